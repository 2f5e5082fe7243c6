import pydantic_settings


class Settings(pydantic_settings.BaseSettings):
    model_config = {"extra": "ignore", "env_prefix": "SHOP_"}

    where: str = "sqlite:///./default.db"


settings = Settings(where="sqlite+aiosqlite:///./app.db")
