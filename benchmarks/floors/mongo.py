"""Bare routes on PyMongo's async client: one document by its key, and the look-up of a protected request of ours."""

import itertools
import os
from typing import Any

from fastapi import FastAPI
from pymongo import AsyncMongoClient

client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BENCH_DATABASE_URL"])
database = client[os.environ["BENCH_DATABASE"]]
users, sessions = database["fastauth_users"], database["fastauth_sessions"]
session_ids = itertools.cycle(f"bench{number:017}" for number in range(1, 1001))
user_keys: list[Any] = []
joined = [
    {"$lookup": {"from": f"fastauth_{name}", "localField": local, "foreignField": "_id", "as": name}}
    for name, local in (("accounts", "user_id"), ("users", "user_id"), ("roles", "accounts.roles"))
]
app = FastAPI()


@app.get("/same")
async def same() -> dict[str, str]:
    async with await sessions.aggregate([{"$match": {"_id": next(session_ids)}}, *joined]) as cursor:
        (row,) = await cursor.to_list()
    return {"username": row["users"][0]["username"]}


@app.get("/key")
async def key() -> dict[str, str]:
    if not user_keys:
        user_keys.extend(await users.distinct("_id"))
    found = await users.find_one({"_id": user_keys[next(numbers) % len(user_keys)]})
    assert found is not None
    return {"username": found["username"]}


numbers = itertools.count()
