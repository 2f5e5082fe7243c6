from functools import lru_cache

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    db: str = "sqlite+aiosqlite:///./app.db"


@lru_cache
def get_settings() -> Settings:
    return Settings()
