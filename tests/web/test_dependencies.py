"""The dependencies: who gets in, built once and kept, one store call, and all of them follow one override."""

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Security
from httpx2 import AsyncClient
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import Account, Claims, ConfigurationError, FastAuth, Store
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from fastauth.testing import ManualClock
from tests.conftest import SECRET_KEY, bearer, client_of
from tests.web.helpers import BAD_TOKEN, NO_TOKEN, RecordingStore, challenge, guarded_app, make_user, on_memory, refused

Make = Callable[..., FastAuth[Any]]


# Who passes which guard: by the roles they hold.
GUARDS: dict[str, dict[tuple[str, ...], int]] = {
    "current_user": {("user",): 200, ("admin",): 200},
    "optional_user": {("user",): 200},
    "verified_user": {("user",): 403, ("user", "verified"): 200, ("admin",): 403, ("superadmin",): 403},
    "is_admin": {("user",): 403, ("moderator",): 403, ("admin",): 200, ("superadmin",): 200},
    "any_of_two": {
        ("user",): 403,
        ("admin",): 403,
        ("premium",): 200,
        ("moderator", "user"): 200,
        ("superadmin",): 200,
    },
    "all_of_two": {("premium",): 403, ("moderator",): 403, ("premium", "moderator"): 200, ("superadmin",): 200},
}


@pytest.fixture
async def guarded(auth: FastAuth[Any]) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app with one route per guard."""
    async with client_of(guarded_app(auth)) as client:
        yield client


@pytest.mark.parametrize(("guard", "roles"), [(guard, roles) for guard, who in GUARDS.items() for roles in who])
@on_memory
async def test_who_passes_which_guard(
    auth: FastAuth[Any], guarded: AsyncClient, guard: str, roles: tuple[str, ...]
) -> None:
    """Each guard lets in who holds the roles, and a superadmin passes every role guard."""
    _, headers = await make_user(auth, *roles)

    answer = await guarded.get(f"/{guard}", headers=headers)

    if GUARDS[guard][roles] == 200:
        assert (answer.status_code, answer.json()) == (200, "ada")
    else:
        refused(answer, 403, "EMAIL_NOT_VERIFIED" if guard == "verified_user" else "PERMISSION_DENIED")


@pytest.mark.parametrize("guard", GUARDS)
@on_memory
async def test_nobody_and_garbage_are_refused_by_every_guard(
    auth: FastAuth[Any], guarded: AsyncClient, clock: ManualClock, guard: str
) -> None:
    """Nothing sent, garbage, an expired token and one of an ended session are 401; nothing is enough for optional."""
    account, headers = await make_user(auth)
    ended = await auth.sessions.start(account)
    await auth.sessions.end(ended.session_id)

    nothing = await guarded.get(f"/{guard}")
    garbage = await guarded.get(f"/{guard}", headers=bearer("garbage"))
    revoked = await guarded.get(f"/{guard}", headers=bearer(ended.access_token))
    clock.move(timedelta(minutes=31))
    expired = await guarded.get(f"/{guard}", headers=headers)

    if guard == "optional_user":
        assert (nothing.status_code, nothing.json()) == (200, None)
    else:
        refused(nothing, 401, "INVALID_TOKEN")
        assert challenge(nothing) == NO_TOKEN
    for answer in (garbage, revoked, expired):
        refused(answer, 401, "INVALID_TOKEN")
        assert challenge(answer) == BAD_TOKEN


async def test_the_user_is_the_apps_own_object(auth: FastAuth[Any], app: FastAPI, client: AsyncClient) -> None:
    """``current_user`` is an object of the app's user class, whose columns can be read."""
    account, headers = await make_user(auth)
    seen: list[Any] = []

    @app.get("/own")
    async def own(
        user: Any = Depends(auth.current_user), account: Account[Any] = Depends(auth.current_account)
    ) -> None:
        seen.extend([user, account])

    assert (await client.get("/own", headers=headers)).status_code == 200
    assert type(seen[0]) is type(account.user)
    assert (seen[0].username, seen[0].email, seen[0].disabled) == ("ada", "ada@example.com", False)
    assert seen[1].user is seen[0]
    assert (seen[1].id, seen[1].roles) == (account.id, account.roles)
    assert seen[1].session is not None


async def test_claims_are_read_without_the_store(store: Store[Any], make_auth: Make) -> None:
    """``current_claims`` is what the token says, for an ended session too, and refuses what is no good token."""
    recording = RecordingStore(store)
    auth = make_auth(recording)
    await auth.initialize_db()
    account, _ = await make_user(auth)
    pair = await auth.sessions.start(account)
    await auth.sessions.end(pair.session_id)
    app = FastAPI()
    auth.setup(app)
    seen: list[Claims] = []

    @app.get("/claims")
    async def read(claims: Claims = Depends(auth.current_claims)) -> None:
        seen.append(claims)

    recording.calls.clear()
    async with client_of(app) as client:
        good = await client.get("/claims", headers=bearer(pair.access_token))
        nothing = await client.get("/claims")
        garbage = await client.get("/claims", headers=bearer(pair.refresh_token))

    assert good.status_code == 200
    assert (seen[0].user_id, seen[0].session_id) == (account.id, pair.session_id)
    refused(nothing, 401, "INVALID_TOKEN")
    refused(garbage, 401, "INVALID_TOKEN")
    assert (challenge(nothing), challenge(garbage)) == (NO_TOKEN, BAD_TOKEN)
    assert recording.calls == []


def add_guarded_route(app: FastAPI, auth: FastAuth[Any]) -> None:
    @app.get(
        "/guarded",
        dependencies=[
            Depends(auth.require_roles(["admin", "moderator"])),
            Depends(auth.require_all_roles(["admin", "user"])),
            Depends(auth.get_current_active_user_dependency()),
        ],
    )
    async def guarded(
        user: Any = Depends(auth.current_user),
        admin: Any = Security(auth.is_admin()),
        account: Any = Depends(auth.current_account),
    ) -> bool:
        return user is admin is account.user


async def test_a_protected_request_is_one_store_call(store: Store[Any], make_auth: Make, clock: ManualClock) -> None:
    """A request with ``current_user`` and several guards asks the store once; a bad token never gets that far."""
    recording = RecordingStore(store)
    auth = make_auth(recording)
    await auth.initialize_db()
    foreign = make_auth(recording, secret_key=SECRET_KEY[::-1])
    early = make_auth(recording, clock=ManualClock(clock.now - timedelta(minutes=31)))
    account, headers = await make_user(auth, "admin", "user")
    bad = ["garbage", (await auth.sessions.start(account)).refresh_token]
    bad += [(await other.sessions.start(account)).access_token for other in (foreign, early)]
    app = FastAPI()
    auth.setup(app)
    add_guarded_route(app, auth)

    recording.calls.clear()
    async with client_of(app) as client:
        answer = await client.get("/guarded", headers=headers)
        calls = list(recording.calls)
        refusals = [await client.get("/guarded", headers=bearer(token)) for token in bad]

    assert (answer.status_code, answer.json()) == (200, True)
    assert calls == ["authenticate"]
    for refusal in refusals:
        refused(refusal, 401, "INVALID_TOKEN")
    assert recording.calls == ["authenticate"]


async def test_an_optional_user_beside_a_guard_costs_no_second_call(make_auth: Make) -> None:
    """A route with ``optional_user`` above and ``current_user`` inside asks the store once as well."""
    recording = RecordingStore(MemoryStore())
    auth = make_auth(recording)
    await auth.initialize_db()
    _, headers = await make_user(auth)
    app = FastAPI()

    @app.get("/both", dependencies=[Depends(auth.optional_user)])
    async def both(user: Any = Depends(auth.current_user)) -> None: ...

    recording.calls.clear()
    async with client_of(app) as client:
        await client.get("/both", headers=headers)

    assert recording.calls == ["authenticate"]


async def test_a_protected_request_is_one_sql_statement(tmp_path: Path, make_auth: Make) -> None:
    """On SQL that one store call is one statement; a bad token is none."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}")
    auth = make_auth(SQLStore(engine))
    await auth.initialize_db()
    _, headers = await make_user(auth, "admin", "user")
    app = FastAPI()
    auth.setup(app)
    add_guarded_route(app, auth)
    statements: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    async with client_of(app) as client:
        answer = await client.get("/guarded", headers=headers)
        bad = await client.get("/guarded", headers=bearer("garbage"))
    await engine.dispose()

    assert (answer.status_code, bad.status_code) == (200, 401)
    assert [statement.split()[0] for statement in statements] == ["SELECT"]


def test_a_dependency_is_built_once(make_auth: Make) -> None:
    """The same roles, in any order, case or container, give the same dependency; other roles give another one."""
    auth = make_auth(MemoryStore())
    both = auth.require_roles(["admin", "moderator"])

    assert auth.require_roles(("Moderator", "ADMIN")) is both
    assert auth.require_roles({"moderator", "admin"}) is both
    assert auth.require_roles(iter(["admin", "moderator", "admin"])) is both
    assert auth.require_roles(["admin"]) is not both
    assert auth.require_all_roles(["admin", "moderator"]) is not both
    assert auth.require_all_roles(["admin", "moderator"]) is auth.require_all_roles(["moderator", "admin"])
    assert auth.is_admin() is auth.is_admin() is auth.require_roles(["admin"])
    assert auth.get_current_active_user_dependency() is auth.current_user
    assert make_auth(MemoryStore()).require_roles(["admin", "moderator"]) is not both


@pytest.mark.parametrize("roles", [[], "admin", ["two words"], [""], ["a,b"], iter(())])
@pytest.mark.parametrize("builder", ["require_roles", "require_all_roles"])
def test_a_guard_that_makes_no_sense_is_refused_when_it_is_built(make_auth: Make, builder: str, roles: Any) -> None:
    """A guard over no roles, over a bare string, or over what is no role name, is a configuration error."""
    auth = make_auth(MemoryStore())

    with pytest.raises(ConfigurationError):
        getattr(auth, builder)(roles)
