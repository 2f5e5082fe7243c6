"""An app of ours on SQLAlchemy."""

import os
from typing import Any

from fastapi import Depends, FastAPI

from benchmarks.floors.engine import make_engine
from benchmarks.people import SECRET
from fastauth import Account, Claims, FastAuth, PasswordSettings
from fastauth.backends.sql import SQLStore, User

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


@app.get("/account")
async def account(account: Account[User] = Depends(auth.current_account)) -> dict[str, str]:
    return {"username": account.username}


@app.get("/user")
async def user(user: User = Depends(auth.current_user)) -> dict[str, str]:
    return {"username": user.username}


@app.get("/role")
async def role(user: User = Depends(auth.require_roles(["user", "editor"]))) -> dict[str, str]:
    return {"username": user.username}


@app.get("/guards", dependencies=[Depends(auth.require_roles(["user", "editor"]))])
async def guards(user: User = Depends(auth.require_all_roles(["user"]))) -> dict[str, str]:
    return {"username": user.username}


@app.get("/claims")
async def claims(claims: Claims = Depends(auth.current_claims)) -> dict[str, Any]:
    return {"username": claims.user_id}
