DATABASE_URL = "sqlite+aiosqlite:///./app.db"
secret_key = "layout-key-4f9Qw2Lz8Rk1"
