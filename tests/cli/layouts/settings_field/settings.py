from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = Field(default="sqlite+aiosqlite:///./app.db", description="where")
    secret_key: SecretStr = Field(SecretStr("layout-key-4f9Qw2Lz8Rk1"))
