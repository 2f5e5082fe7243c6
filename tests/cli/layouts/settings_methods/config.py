class Base:
    PORT = 5433


class Config(Base):
    HOST = "db.internal"

    @property
    def URL(self):
        return f"postgresql+asyncpg://{self.HOST}:{self.PORT}/{1}"

    def key(self):
        return "layout-key-from-a-method"


config = Config()
DATABASE_URL = config.URL
SECRET_KEY = config.key()
