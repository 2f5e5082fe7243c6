from sqlalchemy.ext.asyncio import create_async_engine

WHERE = "sqlite+aiosqlite:///./app.db"


def make_engine():
    return create_async_engine(WHERE)
