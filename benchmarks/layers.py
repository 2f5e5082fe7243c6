"""What each layer of a protected request costs, in one process and without sockets: ``nox -s bench -- --only layers``.

The framework's share shows as routes with empty dependencies, so that the rest is what can be made faster here.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, MutableMapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.routing import Route

from benchmarks.apps.protected import add_protected_routes
from benchmarks.people import SECRET
from fastauth import FastAuth, PasswordSettings
from fastauth.backends.memory import MemoryStore, User

_ROUNDS, _REQUESTS = 60, 200
_ROUTES = {
    "/bare": "a route without dependencies",
    "/empty": "+ an empty dependency",
    "/connection": "+ one that is an object, and takes the connection",
    "/two": "+ two of these, one on the other",
    "/claims": "`current_claims`",
    "/account": "`current_account`, on dictionaries",
    "/user": "`current_user`, on dictionaries",
    "/guards": "two role guards, on dictionaries",
}


class _Empty:
    async def __call__(self, connection: HTTPConnection) -> None:
        """Do nothing."""


async def _empty() -> None:
    """Do nothing."""


def build(auth: FastAuth[User], only: str) -> FastAPI:
    """Return an app with one layer's route, so that none has others to be tried before it."""
    app, empty = FastAPI(), _Empty()

    async def on_empty(found: Annotated[None, Depends(empty)], connection: HTTPConnection) -> None:
        """Do nothing."""

    async def bare() -> dict[str, str]:
        return {"username": "ada"}

    app.get("/bare")(bare)
    layers: dict[str, Callable[..., Any]] = {"/empty": _empty, "/connection": empty, "/two": on_empty}
    for path, each in layers.items():
        app.get(path, dependencies=[Depends(each)])(bare)
    add_protected_routes(app, auth)
    app.router.routes[:] = [route for route in app.router.routes if isinstance(route, Route) and route.path == only]
    return app


async def measure() -> None:
    """Print the microseconds of each, and what it costs beyond the bare route."""
    auth = FastAuth(
        MemoryStore(), secret_key=SECRET, notifier=None, passwords=PasswordSettings(bcrypt_cost=4), production=False
    )
    await auth.initialize_db()
    ada = await auth.accounts.create("ada", "ada@example.com", "correct horse battery")
    token = (await auth.sessions.start(ada)).access_token
    apps, statuses = {path: build(auth, path) for path in _ROUTES}, set[int]()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.add(message["status"])

    taken: dict[str, list[float]] = {path: [] for path in _ROUTES}
    for _ in range(_ROUNDS):  # in turn, so that whoever else is running slows all of them
        for path, times in taken.items():
            began = time.perf_counter()
            for _ in range(_REQUESTS):
                await apps[path](_scope(path, token), receive, send)
            times.append((time.perf_counter() - began) / _REQUESTS * 1e6)
    await auth.close()
    if statuses != {200}:
        raise RuntimeError(f"The answers were {statuses}.")
    quick = {path: statistics.quantiles(times, n=10)[0] for path, times in taken.items()}
    print("| a request, in process | µs | beyond the bare route | of its rate |")
    print("| --- | --- | --- | --- |")
    for path, name in _ROUTES.items():
        beyond = quick[path] - quick["/bare"]
        print(f"| {name} | {quick[path]:.0f} | {beyond:.0f} | {quick['/bare'] / quick[path]:.2f} x |")


def _scope(path: str, token: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": path,
        "raw_path": path.encode("ascii"),
        "query_string": b"",
        "headers": [(b"host", b"bench"), (b"authorization", b"Bearer " + token.encode("ascii"))],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50000),
        "state": {},
    }


if __name__ == "__main__":
    asyncio.run(measure())
