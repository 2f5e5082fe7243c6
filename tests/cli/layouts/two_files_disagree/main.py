DATABASE_URL = "sqlite+aiosqlite:///./app.db"
SECRET_KEY = "layout-key-4f9Qw2Lz8Rk1"
