DATABASE_URL = "sqlite:///{0.__class__.__name__}".format("x")
