from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore

auth = FastAuth(store=SQLStore(create_async_engine("sqlite+aiosqlite:///./app.db")))
app = FastAPI(lifespan=auth.lifespan)
