from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore
from models import Member

store = SQLStore(create_async_engine("sqlite+aiosqlite:///./app.db"), user_model=Member)
auth = FastAuth(store)
