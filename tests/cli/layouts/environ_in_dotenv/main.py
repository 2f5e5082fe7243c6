from os import environ

DATABASE_URL = environ["SHOP_DB"]
