"""An app on fastapi-users and SQLAlchemy, as its documentation writes it; argv: the port, the database's URL."""

import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = "of the old app, and of no other one"
engine = create_async_engine(sys.argv[2])
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def user_db() -> AsyncGenerator[SQLAlchemyUserDatabase, None]:
    async with sessions() as session:
        yield SQLAlchemyUserDatabase(session, User)


async def user_manager(db: SQLAlchemyUserDatabase = Depends(user_db)) -> AsyncGenerator[UserManager, None]:
    yield UserManager(db)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/jwt/login"),
    get_strategy=lambda: JWTStrategy(secret=SECRET, lifetime_seconds=3600),
)
users = FastAPIUsers[User, uuid.UUID](user_manager, [backend])
app = FastAPI(lifespan=lifespan)
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(users.get_register_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserCreate), prefix="/auth")


@app.post("/make")
async def make(email: str, flags: dict[str, bool], manager: UserManager = Depends(user_manager)) -> None:
    """What an administrator of the old app does to a user."""
    user = await manager.get_by_email(email)
    await manager.user_db.update(user, flags)


@app.post("/older")
async def older(email: str, password: str, manager: UserManager = Depends(user_manager)) -> None:
    """Give a user a hash of the years before, when the library made bcrypt's."""
    user = await manager.get_by_email(email)
    await manager.user_db.update(user, {"hashed_password": BcryptHasher(rounds=4).hash(password)})


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
