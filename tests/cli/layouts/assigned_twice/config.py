DATABASE_URL = "sqlite:///./old.db"
DATABASE_URL = "sqlite:///./new.db"
