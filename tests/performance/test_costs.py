"""What a request costs, in what does not depend on the machine: counts, not times; a regression fails a test."""

import asyncio
import gc
import tracemalloc
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.utils import get_dependant
from httpx2 import AsyncClient
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from fastauth.core.settings import TokenSettings
from fastauth.core.signing import Purpose
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.core.forge import CLAIMS, make_signer, signed
from tests.services.watched_store import WatchedStore

MakeAuth = Callable[..., FastAuth[Any]]


def protected_app(auth: FastAuth[Any]) -> FastAPI:
    """An app with a route behind each kind of dependency, and one behind several."""
    app = FastAPI()
    auth.setup(app)

    @app.get("/account", dependencies=[Depends(auth.current_account)])
    async def account() -> None: ...

    @app.get("/claims", dependencies=[Depends(auth.current_claims)])
    async def claims() -> None: ...

    @app.get(
        "/guarded",
        dependencies=[
            Depends(auth.current_user),
            Depends(auth.optional_user),
            Depends(auth.require_roles(["user"])),
            Depends(auth.require_all_roles(["user"])),
        ],
    )
    async def guarded() -> None: ...

    return app


class OnSQLite:
    """An app on SQLite that counts what its requests ask of the engine, of the driver's thread and of the loop."""

    def __init__(self, auth: FastAuth[Any], client: AsyncClient, counts: Counter[str]) -> None:
        self.auth = auth
        self.client = client
        self._counts = counts

    async def costs_of(self, method: str, path: str, **request: Any) -> Counter[str]:
        """Return what a request costs that is answered as it should be."""
        self._counts.clear()
        answer = await self.client.request(method, path, **request)
        assert answer.is_success, answer.text
        return Counter(self._counts)


def note(counts: Counter[str], name: str, *_: object) -> None:
    counts[name] += 1


def count(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the engine's statements, commits and connections, and the hops to a thread of the driver's."""
    counts: Counter[str] = Counter()
    for name in ("before_cursor_execute", "commit", "checkout"):
        event.listen(engine.sync_engine, name, partial(note, counts, name))
    hop: Any = aiosqlite.Connection._execute

    def counted(connection: aiosqlite.Connection, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        counts["hop"] += 1
        made: Awaitable[Any] = hop(connection, *args, **kwargs)
        return made

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    return counts


@pytest.fixture
async def on_sqlite(
    tmp_path: Path, make_auth: MakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[OnSQLite, None]:
    """An app on SQLite, with a user who has signed in, and connections in the pool."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    auth = make_auth(SQLStore(engine))
    await auth.initialize_db()
    async with client_of(protected_app(auth)) as client:
        await register(client)
        yield OnSQLite(auth, client, count(engine, monkeypatch))
    await engine.dispose()


@pytest.mark.parametrize("path", ["/account", "/guarded"])
async def test_a_protected_request_is_one_statement_on_one_connection(on_sqlite: OnSQLite, path: str) -> None:
    """However many guards there are: one connection, one statement, no commit, and one hop to the driver's thread."""
    tokens = await sign_in(on_sqlite.client)
    await on_sqlite.costs_of("GET", path, headers=bearer(tokens))

    costs = await on_sqlite.costs_of("GET", path, headers=bearer(tokens))

    assert costs == {"checkout": 1, "before_cursor_execute": 1, "hop": 1}


async def test_claims_ask_nobody(on_sqlite: OnSQLite) -> None:
    """A route that is content with the claims costs the database nothing at all."""
    tokens = await sign_in(on_sqlite.client)

    assert await on_sqlite.costs_of("GET", "/claims", headers=bearer(tokens)) == {}


async def test_a_refresh_is_one_transaction(on_sqlite: OnSQLite) -> None:
    """A refresh is one statement and one commit, on one connection, and one hop to the driver's thread."""
    tokens = await sign_in(on_sqlite.client)

    costs = await on_sqlite.costs_of("POST", "/token/refresh", json={"refresh_token": tokens["refresh_token"]})

    assert costs == {"checkout": 1, "before_cursor_execute": 1, "commit": 1, "hop": 1}


async def test_a_look_is_one_task(on_sqlite: OnSQLite) -> None:
    """To authenticate makes one task, in which the statement runs undisturbed, and none to give the connection back."""
    account = await on_sqlite.auth.accounts.find("ada")
    assert account is not None
    tokens = await on_sqlite.auth.sessions.start(account)
    loop, made = asyncio.get_running_loop(), 0

    def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
        nonlocal made
        made += 1
        return asyncio.Task(work, loop=loop, **options)

    loop.set_task_factory(make)
    await on_sqlite.auth.sessions.authenticate(tokens.access_token)
    loop.set_task_factory(None)

    assert made == 1


async def test_the_statement_of_a_look_is_rendered_once(on_sqlite: OnSQLite) -> None:
    """Nothing of the statement is filled in when it is executed, which costs more than to execute it."""
    store: Any = on_sqlite.auth.store

    for statement in (store._authenticate, *store._find.values()):
        compiled = statement.compile(dialect=store.engine.dialect)
        assert "POSTCOMPILE" not in str(compiled)
        assert len(compiled.params) == 1


@pytest.mark.parametrize(
    ("method", "path", "calls"),
    [
        ("GET", "/account", ["authenticate"]),
        ("GET", "/guarded", ["authenticate"]),
        ("GET", "/claims", []),
        ("GET", "/users/me", ["authenticate"]),
        ("POST", "/token/refresh", ["rotate_session"]),
        ("POST", "/token", ["find_user", "add_session"]),
        ("POST", "/logout", ["revoke_session"]),
    ],
)
async def test_store_calls(make_auth: MakeAuth, method: str, path: str, calls: list[str]) -> None:
    """Each request makes the store calls that it needs, and no others."""
    store: Any = WatchedStore(MemoryStore())
    auth = make_auth(store)
    await auth.initialize_db()
    async with client_of(protected_app(auth)) as client:
        await register(client)
        tokens = await sign_in(client)
        body: dict[str, Any] = {
            "/token/refresh": {"json": {"refresh_token": tokens["refresh_token"]}},
            "/token": {"data": {"username": "ada", "password": PASSWORD}},
        }.get(path, {"headers": bearer(tokens)})
        store.calls.clear()

        answer = await client.request(method, path, **body)

    assert answer.is_success
    assert store.calls == calls


def layers(dependant: Any) -> int:
    """Return how many dependencies FastAPI calls or looks up for this one, itself included."""
    return 1 + sum(layers(each) for each in dependant.dependencies)


def test_dependency_layers(make_auth: MakeAuth) -> None:
    """A dependency is one layer of FastAPI's, which finds the token and asks the store; a guard is one on top of it."""
    auth = make_auth(MemoryStore())
    alone = (auth.current_account, auth.current_claims, auth.optional_user)
    guards = (auth.current_user, auth.verified_user, auth.is_admin(), auth.require_all_roles(["a", "b"]))

    assert [layers(get_dependant(path="/", call=each)) for each in alone] == [1, 1, 1]
    assert [layers(get_dependant(path="/", call=each)) for each in guards] == [2, 2, 2, 2]


async def peak(work: Callable[[], Awaitable[object]]) -> int:
    """Return the most bytes that the work holds at a time, when it is done for the hundredth time."""
    for _ in range(99):
        await work()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        await work()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        await work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize(("remembered", "most"), [(2048, 2_000), (0, 6_000)])
async def test_allocations_of_a_verification(remembered: int, most: int) -> None:
    """To verify a token takes a few kilobytes at most, and less where it has been seen before."""
    signer = make_signer(
        settings=TokenSettings(issuer=CLAIMS["iss"], audience=CLAIMS["aud"], remembered_tokens=remembered)
    )
    token = await signer.sign(Purpose.ACCESS, CLAIMS)

    async def verify() -> None:
        signer.read(token, Purpose.ACCESS)

    assert await peak(verify) <= most


async def test_allocations_of_a_protected_request(make_auth: MakeAuth) -> None:
    """A protected request takes little more memory than one that nothing protects."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    app = protected_app(auth)

    @app.get("/bare")
    async def bare() -> None: ...

    async with client_of(app) as client:
        await register(client)
        headers = bearer(await sign_in(client))
        unprotected = await peak(lambda: client.get("/bare", headers=headers))
        protected = await peak(lambda: client.get("/account", headers=headers))

    assert protected - unprotected <= 12_000


async def test_requests_leave_nothing_behind(make_auth: MakeAuth) -> None:
    """What a protected request held is given back: three hundred more of them hold no more than those before."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    async with client_of(protected_app(auth)) as client:
        await register(client)
        headers = bearer(await sign_in(client))

        async def rounds(number: int) -> int:
            for _ in range(number):
                await client.get("/guarded", headers=headers)
                await asyncio.sleep(0)  # the loop forgets what its timers are no longer for
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            held = [await rounds(300) for _ in range(4)]
        finally:
            tracemalloc.stop()

    # What a cache or the interpreter takes once is in one of the differences; what each request keeps is in all.
    assert min(after - before for before, after in pairwise(held)) < 300 * 32  # bytes: the smallest object each


def test_a_full_memory_of_tokens_is_small() -> None:
    """As many tokens as are remembered by default take a few megabytes, however many come after them."""
    signer = make_signer()
    size = TokenSettings().remembered_tokens
    tokens = [signed(signer, Purpose.ACCESS, {**CLAIMS, "jti": f"{number:022}"}) for number in range(size + 100)]
    tracemalloc.start()
    try:
        for token in tokens:
            signer.read(token, Purpose.ACCESS)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(signer._seen) == size
    assert held < 8 * 1024 * 1024
