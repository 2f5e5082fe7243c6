from sqlalchemy import create_engine

where = "sqlite:///./wrong.db"


def make_engine():
    where = "sqlite:///./right.db"
    return create_engine(where)
