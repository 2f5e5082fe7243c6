from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    model_config = {"case_sensitive": False, **OTHER, "env_prefix": "SHOP_"}

    secret_key: str


class Database(BaseSettings):
    database_url: str

    class Config:
        """Nothing of ours."""

        case_sensitive = False


class Cache(BaseSettings):
    model_config = {"case_sensitive": False}
    db_url: str = "sqlite+aiosqlite:///./cache.db"


class Search(BaseSettings):
    model_config = CONFIG
    db_uri: str = "sqlite+aiosqlite:///./search.db"
