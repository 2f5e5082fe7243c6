from sqlalchemy.ext.asyncio import create_async_engine

from config import WHERE

engine = create_async_engine(WHERE)
