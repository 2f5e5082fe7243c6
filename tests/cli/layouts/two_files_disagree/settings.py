DATABASE_URL = "postgresql+asyncpg://app@localhost/app"
SECRET_KEY = "layout-key-other-7Yh3"
