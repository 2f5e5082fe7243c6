from sqlalchemy.ext.asyncio import create_async_engine

from .core import WHERE

engine = create_async_engine(WHERE)
