DB_USER = "app"
DB_HOST = "db.internal"
DB_PORT = 5433

DATABASE_URL = f"postgresql+asyncpg://{DB_USER}@{DB_HOST}:{DB_PORT}/shop"
