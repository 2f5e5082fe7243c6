import os

DATABASE_URL = os.environ["SHOP_DB"]
