from starlette.config import Config
from starlette.datastructures import Secret

config = Config(".env")
DATABASE_URL = config("SHOP_DB", default="sqlite+aiosqlite:///./app.db")
SECRET_KEY = config("SHOP_KEY", cast=Secret)
