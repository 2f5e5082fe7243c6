"""crudauth with bearer tokens, on SQLAlchemy; bcrypt at cost 12 is its default."""

import os
from contextlib import asynccontextmanager

from crudauth import BearerTransport, CRUDAuth, Principal
from crudauth.models import AuthUserMixin
from crudauth.utils import get_password_hash
from fastapi import Depends, FastAPI
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = "benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"
PASSWORD = "correct horse battery staple"


class Base(DeclarativeBase):
    pass


class User(Base, AuthUserMixin):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_SQLITE']}")


async def get_session():
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


bearer = BearerTransport(access_ttl=3600, refresh="body")
auth = CRUDAuth(session=get_session, user_model=User, SECRET_KEY=SECRET, transports=[bearer], trusted_proxy_hops=1)


@asynccontextmanager
async def lifespan(_: FastAPI):
    await auth.initialize()
    made = get_password_hash(PASSWORD)
    hashed = await made if hasattr(made, "__await__") else made
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        rows = [
            {"id": n, "username": f"user{n:07}", "email": f"user{n:07}@example.com", "hashed_password": hashed}
            for n in range(1, 1001)
        ]
        await connection.execute(insert(User), rows)
    yield
    await auth.shutdown()


app = FastAPI(lifespan=lifespan)
app.include_router(auth.router)


@app.get("/ping")
async def ping():
    return {"message": "pong"}


@app.get("/user")
async def user(me: Principal = Depends(auth.current_user())):
    return {"username": me.user.username}


@app.get("/bench/tokens")
async def tokens(count: int):
    async with AsyncSession(engine) as session:
        found = (await session.scalars(select(User).limit(count))).all()
        pairs = [bearer.issue_tokens(each) for each in found]
    return {"access": [each["access_token"] for each in pairs], "refresh": [each["refresh_token"] for each in pairs]}
