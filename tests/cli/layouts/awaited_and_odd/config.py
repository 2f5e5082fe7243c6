DATABASE_URL = "%s and %s" % ("one",)
DB_URL = "sqlite:///" + pick()
DB_URI = "x".replace(pick(), "y")
SECRET_KEY = f"{pick()}-key"
SECRET_KEY_2 = "{missing}".format(known="x")
TWO = "{a}".format(a=pick())
THREE = "{:>9}".format("x")
FOUR = "x".replace("y")
FIVE = pick() or choose()
SIX = pick() % "x"
SEVEN = 1 - 1
EIGHT, NINE = "a", "b"
TEN = f"{EIGHT.port}:{pick().port}"
