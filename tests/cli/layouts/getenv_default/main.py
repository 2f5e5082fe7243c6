import os

DATABASE_URL = os.getenv("SHOP_DB", "sqlite+aiosqlite:///./app.db")
SECRET_KEY = os.environ.get("SHOP_KEY", default="layout-key-4f9Qw2Lz8Rk1")
