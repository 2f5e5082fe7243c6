"""An app of ours on SQLAlchemy."""

import os

from fastapi import FastAPI

from benchmarks.apps.protected import add_protected_routes
from benchmarks.floors.engine import make_engine
from benchmarks.people import SECRET
from fastauth import FastAuth, PasswordSettings
from fastauth.backends.sql import SQLStore

cost = os.environ.get("BENCH_COST")
auth = FastAuth(
    SQLStore(make_engine()),
    secret_key=SECRET,
    passwords=PasswordSettings(bcrypt_cost=int(cost)) if cost else None,
    trusted_proxies=["127.0.0.1"],  # so that people come from addresses of their own, and limits stay on
    notifier=None,
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)


@app.get("/ping")
async def ping() -> dict[str, str]:
    return {"message": "pong"}


add_protected_routes(app, auth)
