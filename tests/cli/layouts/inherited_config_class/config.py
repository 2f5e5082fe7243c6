class Base:
    SECRET_KEY = "layout-key-4f9Qw2Lz8Rk1"


class Config(Base):
    DATABASE_URL = "sqlite+aiosqlite:///./app.db"
