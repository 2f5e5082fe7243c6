"""The quick start: a protected route, from an empty folder. Run it with: fastapi dev, or uvicorn quickstart:app."""

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, User

auth = FastAuth(store=SQLStore(create_async_engine("sqlite+aiosqlite:///app.db")))
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)


@app.get("/protected")
async def protected(user: User = Depends(auth.current_user)) -> dict[str, str]:
    return {"message": f"Hello {user.username}"}
