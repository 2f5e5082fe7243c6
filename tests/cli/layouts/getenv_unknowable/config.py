import os

DATABASE_URL = os.getenv(pick(), "sqlite:///./x.db")
DB_URL = os.getenv("SHOP_DB", pick())
SECRET_KEY = os.environ.get("SHOP_KEY", pick())
