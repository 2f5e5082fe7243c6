"""Bare routes on SQLAlchemy: what a FastAPI app does without a library, from nothing at all to the same look-up."""

import itertools
import os
import secrets
from asyncio import to_thread
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta, timezone
from typing import Annotated

import bcrypt
from fastapi import Depends, FastAPI, Form, HTTPException
from pydantic import BaseModel
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.floors.engine import make_engine
from benchmarks.floors.tables import USER_WITH_ROLES_OF_A_SESSION, Session, User

COST = int(os.environ.get("BENCH_COST", "12"))
engine = make_engine()
autocommit = make_engine(isolation_level="AUTOCOMMIT")
by_key = select(*User.__table__.c).where(User.id == bindparam("key"))
by_session = USER_WITH_ROLES_OF_A_SESSION.where(Session.id == bindparam("key"))
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000"))
keys = itertools.cycle(range(1, PEOPLE + 1))
app = FastAPI()


async def session_of_a_request() -> AsyncGenerator[AsyncSession, None]:
    """A session for a request, as FastAPI's own documentation shows it."""
    async with AsyncSession(engine) as session:
        yield session


InSession = Annotated[AsyncSession, Depends(session_of_a_request)]


class RefreshBody(BaseModel):
    """The body of a refresh."""

    refresh_token: str


class NewUser(BaseModel):
    """The body of a registration."""

    username: str
    email: str
    password: str


@app.get("/bare")
@app.get("/ping")
async def bare() -> dict[str, str]:
    return {"username": "ada"}


@app.get("/core")
async def core() -> dict[str, str]:
    async with autocommit.connect() as connection:
        row = (await connection.execute(by_key, {"key": next(keys)})).one()
    return {"username": row.username}


@app.get("/orm")
async def orm(session: InSession) -> dict[str, str]:
    user = (await session.scalars(select(User).where(User.id == next(keys)))).one()
    return {"username": user.username}


@app.get("/same")
async def same() -> dict[str, str]:
    async with autocommit.connect() as connection:
        row = (await connection.execute(by_session, {"key": f"bench{next(keys):017}"})).one()
    return {"username": row.username}


@app.post("/token/refresh")
async def refresh(body: RefreshBody, session: InSession) -> dict[str, str]:
    found = (await session.scalars(select(Session).where(Session.id == body.refresh_token))).one()
    found.generation += 1
    found.rotated_at = datetime.now(timezone.utc)
    await session.commit()
    return {"refresh_token": body.refresh_token}


@app.post("/token")
async def token(
    username: Annotated[str, Form()], password: Annotated[str, Form()], session: InSession
) -> dict[str, str]:
    user = (await session.scalars(select(User).where(User.username == username))).one()
    if not await to_thread(bcrypt.checkpw, password.encode(), user.hashed_password.encode()):
        raise HTTPException(401)
    now = datetime.now(timezone.utc)
    row = Session(
        id=secrets.token_urlsafe(16), user_id=user.id, generation=0, created_at=now, rotated_at=now,
        expires_at=now + timedelta(days=7),
    )  # fmt: skip
    session.add(row)
    key = row.id
    await session.commit()
    return {"access_token": key}


@app.post("/register", status_code=201)
async def register(body: NewUser, session: InSession) -> dict[str, str]:
    hashed = await to_thread(bcrypt.hashpw, body.password.encode(), bcrypt.gensalt(COST))
    session.add(User(username=body.username, email=body.email, hashed_password=hashed.decode("ascii")))
    await session.commit()
    return {"username": body.username}
