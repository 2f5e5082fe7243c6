import os

DATABASE_URL = os.environ["SHOP_DB"]
DB_URL = DATABASE_URL
