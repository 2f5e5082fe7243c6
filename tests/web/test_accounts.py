"""``POST /register`` and ``GET /users/me``."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import Account, FastAuth, Store, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.core.models import SUPERADMIN
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in, sqlite_store
from tests.web.helpers import (
    BAD_TOKEN,
    NO_TOKEN,
    SAFE_HEADERS,
    FailingStore,
    RecordingStore,
    challenge,
    make_user,
    on_memory,
    refused,
    send_raw,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


class DisabledStore(RecordingStore):
    """Another store, on whose accounts ``disabled`` was set behind our back."""

    async def authenticate(self, session_id: str) -> Account[Any] | None:
        account: Account[Any] | None = await self._store.authenticate(session_id)
        return account and replace(account, disabled=True)


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(30))
    city: Mapped[str] = mapped_column(String(30), default="Paris")
    phone: Mapped[str | None] = mapped_column(String(30), unique=True)
    credit: Mapped[int] = mapped_column(default=0)


async def test_registering_makes_a_user_who_can_sign_in(store: Store[Any], client: AsyncClient) -> None:
    """Registering answers with the user, in canonical form and with the role ``user``, who can then sign in."""
    answer = await client.post("/register", json={**ADA, "username": "Ada", "email": "ADA@Example.COM"})

    user = answer.json()
    assert answer.status_code == 201
    assert answer.headers.items() >= SAFE_HEADERS.items()
    assert type(user["id"]) is (int if store.schema.id_type is int else str)
    assert user == {
        "id": user["id"],
        "username": "ada",
        "email": "ada@example.com",
        "disabled": False,
        "roles": ["user"],
    }
    assert (await sign_in(client))["token_type"] == "bearer"


@pytest.mark.parametrize(
    "taken",
    [
        {"username": "ADA", "email": "other@example.com"},
        {"username": "\uff21da", "email": "other@example.com"},
        {"username": "other", "email": "ada@EXAMPLE.com"},
        {"username": "other", "email": "ADA@example.com"},
        {"username": "ada", "email": "ada@example.com"},
    ],
)
async def test_a_name_or_address_is_given_once(client: AsyncClient, taken: dict[str, str]) -> None:
    """A username or e-mail address that is taken, in any spelling, is a conflict, and nothing is changed."""
    await register(client)

    answer = await client.post("/register", json={"password": "another good password", **taken})

    refused(answer, 409, "USER_EXISTS")
    assert (await client.post("/token", data={"username": "ada", "password": PASSWORD})).status_code == 200
    assert (await client.post("/token", data={"username": "other", "password": PASSWORD})).status_code == 401


@on_memory
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", " "),
        ("username", "ada lovelace"),
        ("username", "ada@example.com"),
        ("username", "x" * 65),
        ("username", "\u202eada"),
        ("username", "ada\x00"),
        ("email", ""),
        ("email", "ada"),
        ("email", "@example.com"),
        ("email", "ada@"),
        ("email", "ada@example.com\n"),
        ("email", "ada@example.com, eve@example.com"),
        ("email", f"{'x' * 65}@example.com"),
        ("password", ""),
    ],
)
async def test_a_value_that_does_not_fit_is_named(client: AsyncClient, field: str, value: str) -> None:
    """A value that does not fit is a validation error that names the field."""
    answer = await client.post("/register", json={**ADA, field: value})

    error = refused(answer, 422, "VALIDATION_ERROR")
    assert [detail["loc"] for detail in error["details"]] == [["body", field]]


@on_memory
@pytest.mark.parametrize("password", ["short12", "x" * 1025, "\U0001f600" * 7])
async def test_a_weak_password_has_a_code_of_its_own(client: AsyncClient, password: str) -> None:
    """A password that is too short or too long, in code points, is a weak password."""
    answer = await client.post("/register", json={**ADA, "password": password})

    error = refused(answer, 422, "WEAK_PASSWORD")
    assert [detail["loc"] for detail in error["details"]] == [["body", "password"]]


@pytest.mark.parametrize("password", ["\U0001f600" * 8, "x" * 1024, "with\x00null\x01 \x7f\t\r\n", "   spaces   "])
async def test_every_character_of_a_password_counts(client: AsyncClient, password: str) -> None:
    """A password of any characters, NUL and controls too, registers and signs in, and a shorter one does not."""
    await register(client, password=password)

    assert (await sign_in(client, password=password))["token_type"] == "bearer"
    refused(
        await client.post("/token", data={"username": "ada", "password": password[:-1]}), 401, "INVALID_CREDENTIALS"
    )


@on_memory
@pytest.mark.parametrize("missing", [*itertools.combinations(ADA, 1), *itertools.combinations(ADA, 2), tuple(ADA)])
async def test_every_missing_field_is_named(client: AsyncClient, missing: tuple[str, ...]) -> None:
    """What is missing of username, address and password is named, all at once."""
    answer = await client.post("/register", json={name: value for name, value in ADA.items() if name not in missing})

    error = refused(answer, 422, "VALIDATION_ERROR")
    assert [(detail["loc"][-1], detail["type"]) for detail in error["details"]] == [
        (name, "missing") for name in missing
    ]


async def test_nothing_but_the_named_fields_can_be_set(auth: FastAuth[Any], client: AsyncClient) -> None:
    """No other attribute of the user, real or likely, can be set at registration."""
    account, _ = await make_user(auth, username="grace")
    attributes = {name for name in (*dir(account), *dir(account.user)) if not name.startswith("_")}
    likely = {
        "is_admin",
        "is_superuser",
        "role",
        "scopes",
        "email_verified",
        "created_at",
        "user_id",
        "_id",
        "__class__",
    }

    for name in (attributes | likely) - ADA.keys():
        for value in (True, 1, "admin", [SUPERADMIN], {SUPERADMIN: True}):
            answer = await client.post("/register", json={**ADA, name: value})
            details = refused(answer, 422, "VALIDATION_ERROR")["details"]
            assert [detail["type"] for detail in details] == ["extra_forbidden"]
    user = await register(client)

    assert {"disabled", "hashed_password", "roles"} <= attributes
    assert (user["disabled"], user["roles"]) == (False, ["user"])


async def test_a_user_reads_themself(auth: FastAuth[Any], client: AsyncClient) -> None:
    """``/users/me`` is the user as registered, with the names of their roles as they are now."""
    user = await register(client)
    tokens = await sign_in(client)
    await auth.roles.grant(str(user["id"]), "moderator")
    await auth.roles.grant(str(user["id"]), "admin")

    answer = await client.get("/users/me", headers=bearer(tokens))

    assert answer.status_code == 200
    assert answer.headers.items() >= SAFE_HEADERS.items()
    assert answer.json() == {**user, "roles": ["admin", "moderator", "user"]}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@on_memory
async def test_the_scheme_has_no_case(auth: FastAuth[Any], client: AsyncClient, scheme: str) -> None:
    """The name of the authorization scheme is read in any case, and further spaces before the token are skipped."""
    account, _ = await make_user(auth)
    token = (await auth.sessions.start(account)).access_token

    answer = await client.get("/users/me", headers={"Authorization": f"{scheme}   {token}"})

    assert answer.status_code == 200


@on_memory
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, NO_TOKEN),
        ("", BAD_TOKEN),
        ("Bearer", BAD_TOKEN),
        ("Bearer ", BAD_TOKEN),
        ("Basic YWRhOng=", BAD_TOKEN),
        ("{token}", BAD_TOKEN),
        ("Token {token}", BAD_TOKEN),
        ("Bearer{token}", BAD_TOKEN),
        ("Bearer {token}.", BAD_TOKEN),
        ("Bearer {token} {token}", BAD_TOKEN),
        ("Bearer {token}, Bearer {token}", BAD_TOKEN),
        ("Bearer garbage", BAD_TOKEN),
    ],
)
async def test_a_challenge_names_an_error_only_for_what_was_sent(
    auth: FastAuth[Any], client: AsyncClient, header: str | None, expected: str
) -> None:
    """Without a token the challenge is plain; with a bad one it says ``invalid_token`` (RFC 6750, 3.1)."""
    account, _ = await make_user(auth)
    token = (await auth.sessions.start(account)).access_token

    answer = await client.get(
        "/users/me", headers={} if header is None else {"Authorization": header.format(token=token)}
    )

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == expected


@on_memory
async def test_two_authorization_headers_are_a_bad_request(auth: FastAuth[Any], app: FastAPI) -> None:
    """Two ``Authorization`` headers are a bad request, even when they are the same."""
    _, headers = await make_user(auth)
    header = (b"authorization", headers["Authorization"].encode())

    for method, path in (("GET", "/users/me"), ("GET", "/roles"), ("POST", "/logout")):
        refused(await send_raw(app, method, path, headers=[header, header]), 400, "BAD_REQUEST")
    assert (await send_raw(app, "GET", "/users/me", headers=[header])).status_code == 200


async def test_a_user_whom_the_app_disabled_is_told_so(
    store: Store[Any], make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """Where the app itself has set ``disabled``, the token is still good and the answer is 403."""
    auth = make_auth(DisabledStore(store))
    await auth.initialize_db()
    _, headers = await make_user(auth)
    app = FastAPI()
    auth.setup(app)

    async with client_of(app) as client:
        answers = [await client.get(path, headers=headers) for path in ("/users/me", "/roles")]
        logged_out = await client.post("/logout", headers=headers)

    for answer in answers:
        refused(answer, 403, "INACTIVE_USER")
    assert logged_out.status_code == 204


async def test_a_closed_registration_has_no_route(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """With ``registration=False`` there is no such route, and users who are there sign in."""
    auth = make_auth(MemoryStore(), registration=False)
    await auth.initialize_db(admin_username="ada", admin_password=PASSWORD)
    app = FastAPI()
    auth.setup(app)

    async with client_of(app) as client:
        closed = await client.post("/register", json={**ADA, "username": "eve"})
        tokens = await sign_in(client)

    assert closed.status_code == 404
    assert "/register" not in app.openapi()["paths"]
    assert tokens["token_type"] == "bearer"


async def test_two_hundred_registrations_of_one_address_make_one_user(
    tmp_path: Path, make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """Of 200 simultaneous registrations of one address, in differing case, one makes a user and the others are told."""
    async with sqlite_store(tmp_path) as store:
        auth = make_auth(store, store_timeout=60)
        await auth.initialize_db()
        app = FastAPI()
        auth.setup(app)
        spellings = ("race@example.com", "Race@example.com", "RACE@EXAMPLE.COM", "race@Example.Com")

        async with client_of(app) as client:
            answers = await asyncio.gather(
                *(
                    client.post(
                        "/register", json={"username": f"racer{n}", "email": spellings[n % 4], "password": PASSWORD}
                    )
                    for n in range(200)
                )
            )
            tokens = await sign_in(client, "rAcE@example.com")

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "USER_EXISTS")
    assert tokens["token_type"] == "bearer"


async def test_the_database_out_of_reach_is_503_on_every_route(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """A database that cannot be reached is 503 with ``Retry-After``, on every route that asks it."""
    store = FailingStore(MemoryStore())
    auth = make_auth(store)
    await auth.initialize_db()
    account, headers = await make_user(auth, "admin")
    app = FastAPI()
    auth.setup(app)
    refresh_token = (await auth.sessions.start(account)).refresh_token

    async with client_of(app, headers=headers) as client:
        store.error = StoreUnavailableException()
        answers = [
            await client.post("/token", data={"username": "ada", "password": PASSWORD}),
            await client.post("/token/refresh", json={"refresh_token": refresh_token}),
            await client.post("/register", json={**ADA, "username": "eve"}),
            await client.post("/logout"),
            await client.get("/users/me"),
            await client.get("/roles"),
            await client.get("/roles/1"),
            await client.post("/roles", json={"name": "x"}),
            await client.put("/roles/1", json={"name": "x"}),
            await client.delete("/roles/1"),
            await client.get("/users/1/roles"),
            await client.post("/users/1/roles/1"),
            await client.delete("/users/1/roles/1"),
        ]
        store.error = None
        again = await client.post("/token/refresh", json={"refresh_token": refresh_token})

    for answer in answers:
        refused(answer, 503, "STORE_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
    assert again.status_code == 200


@pytest.fixture
async def member_client(tmp_path: Path, make_auth: Callable[..., FastAuth[Any]]) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app with a user model of its own."""
    store = SQLStore(
        create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'members.db'}"),
        user_model=Member,
        public_fields=("first_name", "city", "phone"),
        writable_fields=("first_name", "city", "phone"),
    )
    auth = make_auth(store)
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        yield client
    await store.close()


async def test_the_models_own_fields_travel(member_client: AsyncClient) -> None:
    """Public fields are shown, writable ones may be sent, and what is left out has the model's default."""
    user = await register(member_client, first_name="Ada", phone="+44 1")
    other = await register(member_client, "grace", first_name="Grace\nMurray", city="New York")
    tokens = await sign_in(member_client)

    shown = (await member_client.get("/users/me", headers=bearer(tokens))).json()

    assert shown == user
    assert shown.keys() == {"id", "username", "email", "disabled", "roles", "first_name", "city", "phone"}
    assert (user["first_name"], user["city"], user["phone"]) == ("Ada", "Paris", "+44 1")
    assert (other["first_name"], other["city"], other["phone"]) == ("Grace\nMurray", "New York", None)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("first_name", None, "string_type"),
        ("first_name", 7, "string_type"),
        ("first_name", "x" * 31, "string_too_long"),
        ("first_name", "null\x00", "value_error"),
        ("first_name", "escape\x1b", "value_error"),
        ("phone", ["1"], "string_type"),
        ("city", None, "string_type"),
        ("credit", 100, "extra_forbidden"),
        ("id", 7, "extra_forbidden"),
        ("disabled", False, "extra_forbidden"),
        ("hashed_password", "x", "extra_forbidden"),
    ],
)
async def test_what_the_model_does_not_take_is_refused(
    member_client: AsyncClient, field: str, value: Any, kind: str
) -> None:
    """A value that the column cannot hold, and a column that was not declared writable, are refused by name."""
    answer = await member_client.post("/register", json={**ADA, "first_name": "Ada", field: value})

    error = refused(answer, 422, "VALIDATION_ERROR")
    assert [(detail["loc"], detail["type"]) for detail in error["details"]] == [(["body", field], kind)]


async def test_a_required_field_of_the_model_is_required(member_client: AsyncClient) -> None:
    """A field that the model needs a value for must be sent."""
    answer = await member_client.post("/register", json=ADA)

    assert refused(answer, 422, "VALIDATION_ERROR")["details"][0]["loc"] == ["body", "first_name"]


async def test_a_unique_field_of_the_model_is_unique(member_client: AsyncClient) -> None:
    """A value of the model's own unique field that is taken is a conflict."""
    await register(member_client, first_name="Ada", phone="+44 1")

    answer = await member_client.post(
        "/register",
        json={**ADA, "username": "eve", "email": "eve@example.com", "first_name": "Eve", "phone": "+44 1"},
    )

    refused(answer, 409, "USER_EXISTS")
