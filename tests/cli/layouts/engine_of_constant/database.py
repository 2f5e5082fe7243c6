from sqlalchemy.ext.asyncio import create_async_engine

DB = "sqlite+aiosqlite:///./app.db"

engine = create_async_engine(DB, echo=True)
