import functools

from pydantic_settings import BaseSettings, computed_field


class Settings(BaseSettings):
    @computed_field(return_type=str)
    def database_url(self):
        return "sqlite+aiosqlite:///./app.db"

    @functools.cached_property
    def secret_key(self):
        return "layout-key-4f9Qw2Lz8Rk1"

    @registry["url"]
    def db_url(self):
        return "sqlite+aiosqlite:///./no-property.db"
