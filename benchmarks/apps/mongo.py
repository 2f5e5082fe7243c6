"""An app of ours on MongoDB."""

import os
from typing import Any

from fastapi import FastAPI
from pymongo import AsyncMongoClient

from benchmarks.apps.protected import add_protected_routes
from benchmarks.people import SECRET
from fastauth import FastAuth
from fastauth.backends.mongo import MongoStore

client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BENCH_DATABASE_URL"])
auth = FastAuth(MongoStore(client[os.environ["BENCH_DATABASE"]]), secret_key=SECRET, notifier=None)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)
add_protected_routes(app, auth)
