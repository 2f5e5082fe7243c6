from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = Field("sqlite+aiosqlite:///./app.db", validation_alias=AliasChoices("SHOP_DB", "SHOP_DATABASE"))
