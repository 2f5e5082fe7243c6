WHERE = "sqlite+aiosqlite:///./app.db"
