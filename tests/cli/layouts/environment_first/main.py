DATABASE_URL = "sqlite+aiosqlite:///./app.db"
