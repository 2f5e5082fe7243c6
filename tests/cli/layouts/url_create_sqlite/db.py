from sqlalchemy import URL, create_engine

engine = create_engine(URL.create("sqlite", database="./app.db", password=None))
unknown = create_engine(URL.create("postgresql", host=pick_a_host()))
nothing = create_engine(URL.create(host="localhost"))
