NAME = "shop"
DATABASE_URL = "sqlite+aiosqlite:///./%s.db" % NAME
SECRET_KEY = "layout-{}-{tail}".format("key", tail="5Xc8")
