"""fastauth_iq, whose package has our name, on SQLModel; bcrypt at cost 12 is its default."""

import os
from contextlib import asynccontextmanager

import bcrypt
from fastapi import Depends, FastAPI
from sqlmodel import Session, SQLModel, create_engine, insert, select

from fastauth import FastAuth, User

SECRET = "benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"
PASSWORD = b"correct horse battery staple"
engine = create_engine(f"sqlite:///{os.environ['BENCH_SQLITE']}", connect_args={"check_same_thread": False})
auth = FastAuth(secret_key=SECRET, engine=engine)


def get_session():
    with Session(engine) as session:
        yield session


@asynccontextmanager
async def lifespan(_: FastAPI):
    SQLModel.metadata.create_all(engine)
    hashed = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(12)).decode()
    with engine.begin() as connection:
        rows = [
            {
                "id": n, "username": f"user{n:07}", "email": f"user{n:07}@example.com", "hashed_password": hashed,
                "disabled": False, "email_verified": True, "token_version": 0,
            }
            for n in range(1, 1001)
        ]  # fmt: skip
        connection.execute(insert(User), rows)
    yield


app = FastAPI(lifespan=lifespan)
auth.setup(app, session_getter=get_session)


@app.get("/ping")
async def ping():
    return {"message": "pong"}


@app.get("/user")
def user(user: User = Depends(auth.current_user)):
    return {"username": user.username}


@app.get("/bench/tokens")
def tokens(count: int):
    with Session(engine) as session:
        data = [{"sub": each.username, "ver": each.token_version} for each in session.exec(select(User).limit(count))]
    return {
        "access": [auth.create_access_token(each) for each in data],
        "refresh": [auth.create_refresh_token(each) for each in data],
    }
