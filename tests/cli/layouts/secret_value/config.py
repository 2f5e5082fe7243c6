from pydantic import SecretStr

SECRET_KEY = SecretStr(" layout-key-4f9Qw2Lz8Rk1 ").get_secret_value().strip()
DATABASE_URL = "url:sqlite+aiosqlite:///./app.db".removeprefix("url:")
