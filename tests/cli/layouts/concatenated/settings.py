BASE = "sqlite+aiosqlite:///"
DATABASE_URL = BASE + "./data" ".db"
