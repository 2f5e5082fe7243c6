"""FastAuth on the table of an app that did it by itself."""

import os
import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth, PasswordSettings
from fastauth.backends.sql import SQLStore
from fastauth.core.argon2 import Argon2Hasher


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(50), unique=True)
    full_name: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool] = mapped_column(default=False)
    is_admin: Mapped[bool] = mapped_column(default=False)


auth = FastAuth(
    SQLStore(create_async_engine(os.environ["DATABASE_URL"]), user_model=Account),
    secret_key=os.environ["FASTAUTH_SECRET_KEY"],
    passwords=PasswordSettings(verifies=[Argon2Hasher()]),
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
