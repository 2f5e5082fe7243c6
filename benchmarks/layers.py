"""What each layer of a request costs, in one process and without sockets: ``nox -s bench -- --only layers``.

The framework's share shows as routes with empty dependencies, so that the rest is what can be made faster here.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Annotated, Any

import uvloop
from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.apps.protected import add_protected_routes
from benchmarks.floors.engine import make_engine
from benchmarks.people import SECRET
from fastauth import FastAuth, LimitSettings, PasswordSettings
from fastauth.backends.memory import MemoryStore, User
from fastauth.backends.sql import SQLStore
from fastauth.core.models import TokenPair
from fastauth.core.protocols import Store
from fastauth.web.schemas import RefreshBody

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
_REFRESH = ("POST", "/token/refresh")
_REFRESHES = (
    "+ a token read, the session moved on in a dictionary, two tokens signed",
    "+ the limits, per session and client",
    "+ the statement and its commit, on SQLite instead",
)
_UNREACHED = LimitSettings(refresh="1000000/minute", refresh_per_client="1000000/minute")


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


def refreshing(auth: FastAuth[User]) -> FastAPI:
    """Return an app with the library's own route that refreshes, and no other."""
    app = FastAPI()
    auth.setup(app, include=["refresh"])
    return app


def taking_a_body() -> FastAPI:
    """Return an app with what a route costs that takes as much as a refresh does, and answers as much."""
    app = FastAPI()

    @app.post("/token/refresh")
    async def refresh(body: RefreshBody) -> Response:
        return JSONResponse({"access_token": "", "refresh_token": body.refresh_token.get_secret_value()})

    return app


class Request:
    """One request, put to an app again and again.

    Args:
        app: The app.
        method: The method.
        path: The path.
        token: The access token of a GET; what is to be refreshed with a POST, and then what came of that.
    """

    def __init__(self, app: FastAPI, method: str, path: str, token: str) -> None:
        self._app = app
        self._method = method
        self._path = path
        self._token = token
        self._sent: list[MutableMapping[str, Any]] = []

    async def put(self) -> None:
        """Put it, and take the token from the answer, where there is one.

        Raises:
            RuntimeError: The answer was not 200.
        """
        posts, self._sent = self._method == "POST", []
        body = json.dumps({"refresh_token": self._token}).encode("ascii") if posts else b""
        await self._app(self._scope(len(body)), lambda: self._receive(body), self._send)
        started, answer = self._sent[:2]
        if started["status"] != 200:
            raise RuntimeError(f"{self._method} {self._path} was answered {started['status']}: {answer['body']!r}")
        if posts:
            self._token = json.loads(answer["body"])["refresh_token"]

    async def _receive(self, body: bytes) -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self._sent.append(message)

    def _scope(self, length: int) -> dict[str, Any]:
        headers = [(b"host", b"bench")]
        if length:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(length).encode("ascii"))]
        else:
            headers.append((b"authorization", b"Bearer " + self._token.encode("ascii")))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": self._method,
            "root_path": "",
            "path": self._path,
            "raw_path": self._path.encode("ascii"),
            "query_string": b"",
            "headers": headers,
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 50000),
            "state": {},
        }


async def timed(requests: Mapping[str, Request]) -> dict[str, float]:
    """Return the microseconds of each, in a quiet moment."""
    taken: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(_ROUNDS):  # in turn, so that whoever else is running slows all of them
        for name, times in taken.items():
            put, began = requests[name].put, time.perf_counter()
            for _ in range(_REQUESTS):
                await put()
            times.append((time.perf_counter() - began) / _REQUESTS * 1e6)
    return {name: statistics.quantiles(times, n=10)[0] for name, times in taken.items()}


def show(title: str, quick: Mapping[str, float]) -> None:
    """Print the microseconds of each, and what it costs beyond the first."""
    bare = next(iter(quick.values()))
    print(f"| {title} | µs | beyond the first | of its rate |")
    print("| --- | --- | --- | --- |")
    for name, taken in quick.items():
        print(f"| {name} | {taken:.0f} | {taken - bare:.0f} | {bare / taken:.2f} x |")
    print()


async def measure() -> None:
    """Print what each layer of a protected request costs, and of a refresh."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite+aiosqlite:///{folder}/bench.db")
        async with engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        auths = [make(MemoryStore()), make(MemoryStore(), limits=_UNREACHED), make(SQLStore(engine), limits=_UNREACHED)]
        pairs = [await signed_in(auth) for auth in auths]
        protected = {
            name: Request(build(auths[0], path), "GET", path, pairs[0].access_token) for path, name in _ROUTES.items()
        }
        show("a protected request, in process", await timed(protected))
        refreshes = {"a route that takes and answers as much": Request(taking_a_body(), *_REFRESH, token="x" * 300)}
        for name, auth, pair in zip(_REFRESHES, auths, pairs, strict=True):
            refreshes[name] = Request(refreshing(auth), *_REFRESH, token=pair.refresh_token)
        show("a refresh, in process", await timed(refreshes))
        for auth in auths:
            await auth.close()
        await engine.dispose()


def make(store: Store[Any], *, limits: LimitSettings | None = None) -> FastAuth[Any]:
    """Return the library on a store, with cheap passwords, and without limits unless they are given."""
    passwords = PasswordSettings(bcrypt_cost=4)
    return FastAuth(store, secret_key=SECRET, notifier=None, passwords=passwords, limits=limits, production=False)


async def signed_in(auth: FastAuth[Any]) -> TokenPair:
    """Return the tokens of somebody who is signed in."""
    await auth.initialize_db()
    return await auth.sessions.start(await auth.accounts.create("ada", "ada@example.com", "correct horse battery"))


if __name__ == "__main__":
    uvloop.run(measure())
