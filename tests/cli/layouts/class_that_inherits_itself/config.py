class Config(Config):
    DATABASE_URL = "sqlite+aiosqlite:///./app.db"
