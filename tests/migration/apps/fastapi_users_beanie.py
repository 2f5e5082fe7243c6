"""An app on fastapi-users and Beanie, as its documentation writes it; argv: port, server, database."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from beanie import Document, PydanticObjectId, init_beanie
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import BeanieBaseUser, BeanieUserDatabase, ObjectIDIDMixin
from pwdlib.hashers.bcrypt import BcryptHasher
from pymongo import AsyncMongoClient

SECRET = "of the old app, and of no other one"
client = AsyncMongoClient(sys.argv[2])


class User(BeanieBaseUser, Document):
    pass


class UserManager(ObjectIDIDMixin, BaseUserManager[User, PydanticObjectId]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def user_db() -> AsyncGenerator[BeanieUserDatabase, None]:
    yield BeanieUserDatabase(User)


async def user_manager(db: BeanieUserDatabase = Depends(user_db)) -> AsyncGenerator[UserManager, None]:
    yield UserManager(db)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    await init_beanie(database=client[sys.argv[3]], document_models=[User])
    yield
    await client.close()


backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/jwt/login"),
    get_strategy=lambda: JWTStrategy(secret=SECRET, lifetime_seconds=3600),
)
users = FastAPIUsers[User, PydanticObjectId](user_manager, [backend])
app = FastAPI(lifespan=lifespan)
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(
    users.get_register_router(schemas.BaseUser[PydanticObjectId], schemas.BaseUserCreate), prefix="/auth"
)


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
