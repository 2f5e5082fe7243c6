"""Browser sign-in: the tokens travel in HttpOnly cookies, which no script of a page can read."""

from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, User

auth = FastAuth(store=SQLStore(create_async_engine("sqlite+aiosqlite:///cookies.db")), use_cookie=True)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)


@app.get("/")
async def home(user: Annotated[User | None, Depends(auth.optional_user)]) -> dict[str, str]:
    return {"message": f"Hello {user.username if user else 'stranger'}"}
