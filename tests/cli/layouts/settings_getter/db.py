from sqlalchemy.ext.asyncio import create_async_engine

from config import get_settings

engine = create_async_engine(get_settings().db)
