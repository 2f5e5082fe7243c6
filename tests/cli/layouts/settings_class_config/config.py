from pydantic import BaseSettings


class Settings(BaseSettings):
    secret_key: str = "layout-key-4f9Qw2Lz8Rk1"

    class Config:
        env_prefix = "SHOP_"
