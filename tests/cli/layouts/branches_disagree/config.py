import os

if os.name == "nt":
    DATABASE_URL = "sqlite+aiosqlite:///./app.db"
else:
    DATABASE_URL = "postgresql+asyncpg://app@localhost/app"
