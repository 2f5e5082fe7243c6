"""The app that the worker processes serve; ``FASTAUTH_TEST_APP`` holds its options as JSON.

The store comes from the environment too, see :mod:`tests.stores.worker_app`. Options: ``limits`` (the arguments of
``LimitSettings``; without it there are none), ``bcrypt_cost``, ``store_timeout`` (seconds), ``leeway`` and
``refresh_grace`` (seconds), ``access_token_expires_in`` (minutes), ``session_seconds`` (how long a session lives
without a refresh), ``purge_every`` (seconds), ``mails`` (have the routes
that need a mail, and print the mails), and ``middleware`` (put a ``BaseHTTPMiddleware`` around the app, as many
apps have).

``GET /busy`` is a handler that takes long after the user was loaded: what it holds meanwhile is for the tests to see.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware

from fastauth import Account, FastAuth, LimitSettings, PasswordSettings, TokenSettings
from fastauth.notifiers.console import ConsoleNotifier
from tests.conftest import SECRET_KEY
from tests.stores.worker_app import store_from_environment

options: dict[str, Any] = json.loads(os.environ.get("FASTAUTH_TEST_APP", "{}"))
tokens = {name: timedelta(seconds=options[name]) for name in ("leeway", "refresh_grace") if name in options}
purge_every = options.get("purge_every", 3600)
store: Any = store_from_environment()
auth: FastAuth[Any] = FastAuth(
    store,
    secret_key=SECRET_KEY,
    passwords=PasswordSettings(bcrypt_cost=options.get("bcrypt_cost", 4)),
    limits=LimitSettings(**options["limits"]) if "limits" in options else None,
    notifier=ConsoleNotifier() if options.get("mails") else None,
    tokens=TokenSettings(**tokens),
    purge_every=timedelta(seconds=purge_every),
    refresh_token_expires_in=timedelta(seconds=options.get("session_seconds", 7 * 86400)),
    **{name: options[name] for name in ("store_timeout", "access_token_expires_in") if name in options},
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app, health=True)


under_way = 0


async def counted(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count the request, in a task of its own, as middleware of this class does."""
    global under_way
    under_way += 1
    try:
        return await call_next(request)
    finally:
        under_way -= 1


if options.get("middleware"):
    app.add_middleware(BaseHTTPMiddleware, dispatch=counted)


@app.get("/busy")
async def busy(seconds: float = 0, _: Account[Any] = Depends(auth.current_account)) -> dict[str, bool]:
    """Take a while with the user loaded."""
    await asyncio.sleep(seconds)
    return {"done": True}


@app.get("/pool")
async def pool() -> dict[str, int]:
    """Say how many connections of the engine's pool are in use, where there is one, and how many other requests run."""
    engine = getattr(store.database, "_engine", None) if hasattr(store, "database") else None
    checked_out = engine.pool.checkedout() if hasattr(getattr(engine, "pool", None), "checkedout") else 0
    return {"checked_out": checked_out, "under_way": under_way - 1}
