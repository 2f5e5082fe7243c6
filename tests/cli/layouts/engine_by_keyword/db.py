import sqlalchemy as sa

engine = sa.create_engine(url="sqlite:///./sync.db")
