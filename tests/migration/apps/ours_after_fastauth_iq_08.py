"""FastAuth on the tables that fastauth_iq 0.8 made."""

import os
import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String, unique=True, index=True)
    email: Mapped[str] = mapped_column(String, unique=True)
    hashed_password: Mapped[str] = mapped_column(String)
    disabled: Mapped[bool] = mapped_column(default=False)
    email_verified: Mapped[bool] = mapped_column(default=False)
    token_version: Mapped[int] = mapped_column(default=0)


auth = FastAuth(
    SQLStore(create_async_engine(os.environ["DATABASE_URL"]), user_model=User),
    secret_key=os.environ["FASTAUTH_SECRET_KEY"],
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
