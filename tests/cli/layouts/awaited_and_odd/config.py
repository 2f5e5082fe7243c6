DATABASE_URL = "%s and %s" % ("one",)
DB_URL = "sqlite:///" + pick()
DB_URI = "x".replace(pick(), "y")
SECRET_KEY = f"{pick()}-key"
SECRET_KEY_2 = "{missing}".format(known="x")
TWO = "{a}".format(a=pick())
THREE = "{:>9}".format("x")
