DATABASE_URL = "sqlite:///./broken.db"

def broken(:
    pass
