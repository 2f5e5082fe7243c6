from sqlalchemy.ext.asyncio import create_async_engine


async def where():
    return "sqlite+aiosqlite:///./app.db"


async def make():
    engine = create_async_engine(await where())
    return engine, create_async_engine(-1), create_async_engine(lambda: 1), create_async_engine("a://" % pick())
