from os import environ as env

DATABASE_URL = env.get("SHOP_DB") or "sqlite+aiosqlite:///./app.db"
