import os

DATABASE_URL = os.getenv("SHOP_DB", "sqlite+aiosqlite:///./app.db")
