"""The protected routes that are measured, the same on every store."""

from typing import Any

from fastapi import Depends, FastAPI

from fastauth import Account, Claims, FastAuth


def add_protected_routes(app: FastAPI, auth: FastAuth[Any]) -> None:
    """Add a route for each way to ask who it is, in the order of the floor's: a router tries one after the other."""

    @app.get("/claims")
    async def claims(claims: Claims = Depends(auth.current_claims)) -> dict[str, str]:
        return {"username": claims.user_id}

    @app.get("/account")
    async def account(account: Account[Any] = Depends(auth.current_account)) -> dict[str, str]:
        return {"username": account.username}

    @app.get("/user")
    async def user(user: Any = Depends(auth.current_user)) -> dict[str, str]:
        return {"username": user.username}

    @app.get("/role")
    async def role(user: Any = Depends(auth.require_roles(["user", "editor"]))) -> dict[str, str]:
        return {"username": user.username}

    @app.get("/guards", dependencies=[Depends(auth.require_roles(["user", "editor"]))])
    async def guards(user: Any = Depends(auth.require_all_roles(["user"]))) -> dict[str, str]:
        return {"username": user.username}
