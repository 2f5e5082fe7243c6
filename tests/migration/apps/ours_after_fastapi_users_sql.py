"""FastAuth on the table that fastapi-users made."""

import os
import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastauth import FastAuth, PasswordSettings
from fastauth.backends.sql import SQLStore
from fastauth.backends.sql.fastapi_users import FastAPIUsersMixin
from fastauth.core.argon2 import Argon2Hasher


class Base(DeclarativeBase):
    pass


class User(FastAPIUsersMixin, Base):
    __tablename__ = "user"


auth = FastAuth(
    SQLStore(create_async_engine(os.environ["DATABASE_URL"]), user_model=User),
    secret_key=os.environ["FASTAUTH_SECRET_KEY"],
    passwords=PasswordSettings(verifies=[Argon2Hasher()]),
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
