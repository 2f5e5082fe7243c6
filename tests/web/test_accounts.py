"""``POST /register`` and ``GET /users/me``."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import Account, FastAuth, Store
from fastauth.backends.memory import MemoryStore
from fastauth.core.models import SUPERADMIN
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in, sqlite_store
from tests.web.helpers import (
    SAFE_HEADERS,
    RecordingStore,
    make_user,
    on_memory,
    refused,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


class DisabledStore(RecordingStore):
    """Another store, on whose accounts ``disabled`` was set behind our back."""

    async def authenticate(self, session_id: str) -> Account[Any] | None:
        account: Account[Any] | None = await self._store.authenticate(session_id)
        return account and replace(account, disabled=True)


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


async def test_r_id_2_a_name_or_address_is_given_once(client: AsyncClient) -> None:
    """A username or e-mail address that is taken, in any spelling, is a conflict, and nothing is changed."""
    await register(client)
    other = {"username": "other", "email": "other@example.com", "password": "another good password"}
    spellings = {"username": ["ada", "ADA", "\uff21da"], "email": ["ada@EXAMPLE.com", "ADA@example.com"]}

    for field, taken in spellings.items():
        for value in taken:
            refused(await client.post("/register", json={**other, field: value}), 409, "USER_EXISTS")
    refused(await client.post("/register", json={**ADA, "password": other["password"]}), 409, "USER_EXISTS")

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


async def test_every_character_of_a_password_counts(client: AsyncClient) -> None:
    """A password of any characters, NUL and controls too, registers and signs in, and a shorter one does not."""
    passwords = ["\U0001f600" * 8, "xy" * 512, "with\x00null\x01 \x7f\t\r\n", "   spaces   "]

    for number, password in enumerate(passwords):
        await register(client, f"ada{number}", password=password)
        assert (await sign_in(client, f"ada{number}", password))["token_type"] == "bearer"
        shorter = {"username": f"ada{number}", "password": password[:-1]}
        refused(await client.post("/token", data=shorter), 401, "INVALID_CREDENTIALS")


@on_memory
@pytest.mark.parametrize("missing", [*itertools.combinations(ADA, 1), *itertools.combinations(ADA, 2), tuple(ADA)])
async def test_every_missing_field_is_named(client: AsyncClient, missing: tuple[str, ...]) -> None:
    """What is missing of username, address and password is named, all at once."""
    answer = await client.post("/register", json={name: value for name, value in ADA.items() if name not in missing})

    error = refused(answer, 422, "VALIDATION_ERROR")
    assert [(detail["loc"][-1], detail["type"]) for detail in error["details"]] == [
        (name, "missing") for name in missing
    ]


async def test_r_az_2_nothing_but_the_named_fields_can_be_set(auth: FastAuth[Any], client: AsyncClient) -> None:
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


@on_memory
async def test_what_is_wrong_is_told_in_plain_sentences(client: AsyncClient) -> None:
    """An empty password may not be empty; no words of a library's are in front of ours."""
    empty = await client.post("/register", json={**ADA, "password": ""})

    (detail,) = refused(empty, 422, "VALIDATION_ERROR")["details"]
    assert (detail["loc"], detail["msg"]) == (["body", "password"], "This may not be empty.")
