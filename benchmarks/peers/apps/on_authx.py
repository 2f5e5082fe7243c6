"""AuthX, which keeps no users: the SELECT and bcrypt at cost 12 are the app's own, as its documentation leaves them."""

import os
from contextlib import asynccontextmanager
from typing import Annotated

import bcrypt
from authx import AuthX, AuthXConfig, TokenPayload
from fastapi import Depends, FastAPI, Form, HTTPException
from sqlalchemy import create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

SECRET = "benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"
PASSWORD = b"correct horse battery staple"


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    hashed_password: Mapped[str]


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_SQLITE']}")
blocking = create_engine(f"sqlite:///{os.environ['BENCH_SQLITE']}")
auth = AuthX(config=AuthXConfig(JWT_SECRET_KEY=SECRET, JWT_TOKEN_LOCATION=["headers"]))


async def get_session():
    async with AsyncSession(engine) as session:
        yield session


@asynccontextmanager
async def lifespan(_: FastAPI):
    hashed = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(12)).decode()
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        rows = [{"id": n, "username": f"user{n:07}", "hashed_password": hashed} for n in range(1, 1001)]
        await connection.execute(insert(User), rows)
    yield


app = FastAPI(lifespan=lifespan)
auth.handle_errors(app)


@app.get("/ping")
async def ping():
    return {"message": "pong"}


@app.get("/user")
async def user(
    payload: TokenPayload = Depends(auth.access_token_required), session: AsyncSession = Depends(get_session)
):
    found = (await session.scalars(select(User).where(User.id == int(payload.sub)))).one()
    return {"username": found.username}


@app.post("/token")
def token(username: Annotated[str, Form()], password: Annotated[str, Form()]):
    with Session(blocking) as session:
        found = session.scalars(select(User).where(User.username == username)).one_or_none()
    if found is None or not bcrypt.checkpw(password.encode(), found.hashed_password.encode()):
        raise HTTPException(401)
    return {"access_token": auth.create_access_token(uid=str(found.id))}


@app.get("/bench/tokens")
async def tokens(count: int):
    return {"access": [auth.create_access_token(uid=str(n)) for n in range(1, count + 1)], "refresh": []}
