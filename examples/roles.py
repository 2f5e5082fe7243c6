"""Roles: guards on routes, roles of your own, and the first superadmin."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth, RoleExistsException
from fastauth.backends.sql import SQLStore, User

auth = FastAuth(store=SQLStore(create_async_engine("sqlite+aiosqlite:///roles.db")))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    async with auth.lifespan(app):
        # Idempotent, and safe when eight workers start at once. Nobody is ever promoted by accident.
        await auth.initialize_db(admin_username="root", admin_password=os.environ["ADMIN_PASSWORD"])
        with suppress(RoleExistsException):
            await auth.roles.create("editor", "Writes articles.")
        yield


app = FastAPI(lifespan=lifespan)
auth.setup(app)


@app.get("/admin", dependencies=[Depends(auth.is_admin())])
async def admin_area() -> dict[str, str]:
    return {"message": "for admins and superadmins"}


@app.get("/articles/new")
async def new_article(user: Annotated[User, Depends(auth.require_roles(["editor", "moderator"]))]) -> dict[str, str]:
    return {"message": f"{user.username} is an editor or a moderator"}


@app.get("/premium-articles")
async def premium_articles(
    user: Annotated[User, Depends(auth.require_all_roles(["verified", "premium"]))],
) -> dict[str, str]:
    return {"message": f"{user.username} is verified and premium"}
