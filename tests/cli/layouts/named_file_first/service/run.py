DATABASE_URL = "postgresql+asyncpg://app@localhost/app"
