from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

url = URL.create("postgresql+asyncpg", username="app", password="layout/p@ss", host="localhost", database="shop")
engine = create_async_engine(url)
