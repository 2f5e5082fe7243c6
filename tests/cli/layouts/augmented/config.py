DATABASE_URL = "sqlite:///./a"
DATABASE_URL += ".db"
