from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = "sqlite+aiosqlite:///./app.db"
    secret_key: str = "layout-key-4f9Qw2Lz8Rk1"


settings = Settings()
