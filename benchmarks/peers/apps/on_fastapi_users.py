"""fastapi-users with a JWT, on SQLAlchemy, hashing with bcrypt at cost 12."""

import os
from contextlib import asynccontextmanager

import bcrypt
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = "benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"
PASSWORD = b"correct horse battery staple"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTable[int], Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_SQLITE']}")
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def get_session():
    async with sessions() as session:
        yield session


async def get_user_db(session: AsyncSession = Depends(get_session)):
    yield SQLAlchemyUserDatabase(session, User)


class UserManager(IntegerIDMixin, BaseUserManager[User, int]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_user_manager(user_db: SQLAlchemyUserDatabase = Depends(get_user_db)):
    yield UserManager(user_db, PasswordHelper(PasswordHash((BcryptHasher(rounds=12),))))


def get_strategy() -> JWTStrategy:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


backend = AuthenticationBackend("jwt", BearerTransport("auth/login"), get_strategy)
users = FastAPIUsers[User, int](get_user_manager, [backend])


@asynccontextmanager
async def lifespan(_: FastAPI):
    hashed = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(12)).decode()
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        rows = [
            {
                "id": n, "email": f"user{n:07}@example.com", "hashed_password": hashed, "is_active": True,
                "is_superuser": False, "is_verified": True,
            }
            for n in range(1, 1001)
        ]  # fmt: skip
        await connection.execute(insert(User), rows)
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(users.get_auth_router(backend), prefix="/auth")


@app.get("/ping")
async def ping():
    return {"message": "pong"}


@app.get("/user")
async def user(user: User = Depends(users.current_user(active=True))):
    return {"username": user.email}


@app.get("/bench/tokens")
async def tokens(count: int):
    async with sessions() as session:
        found = (await session.scalars(select(User).limit(count))).all()
    return {"access": [await get_strategy().write_token(each) for each in found], "refresh": []}
