from typing import Final

DATABASE_URL: Final[str] = "sqlite+aiosqlite:///./app.db"
SECRET_KEY: str = "layout-key-4f9Qw2Lz8Rk1"
