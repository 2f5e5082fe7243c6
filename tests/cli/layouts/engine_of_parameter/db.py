from sqlalchemy.ext.asyncio import create_async_engine

url = "sqlite+aiosqlite:///./app.db"


def make_engine(url):
    return create_async_engine(url)
