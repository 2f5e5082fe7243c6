"""An app of ours on MongoDB."""

import os
from typing import Any

from fastapi import Depends, FastAPI
from pymongo import AsyncMongoClient

from benchmarks.people import SECRET
from fastauth import Account, FastAuth
from fastauth.backends.mongo import MongoStore, User

client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BENCH_DATABASE_URL"])
auth = FastAuth(MongoStore(client[os.environ["BENCH_DATABASE"]]), secret_key=SECRET, notifier=None)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)


@app.get("/account")
async def account(account: Account[User] = Depends(auth.current_account)) -> dict[str, str]:
    return {"username": account.username}
