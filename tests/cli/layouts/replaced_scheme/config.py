import os

DATABASE_URL = os.environ["HEROKU_DB"].replace("postgres://", "postgresql+asyncpg://", 1)
