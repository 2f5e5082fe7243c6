from pydantic import Field
from pydantic_settings import BaseSettings


class Database(BaseSettings):
    url: str = "sqlite+aiosqlite:///./app.db"


class Settings(BaseSettings):
    db: Database = Field(default_factory=Database)


settings = Settings()
