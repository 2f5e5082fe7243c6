"""What the app's own class does not take: nothing that it could not read again is ever written into a document."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("beanie")

from beanie import Document
from pydantic import field_validator, model_validator
from typing_extensions import Self

from fastauth.backends.mongo import MongoStore
from fastauth.core.exceptions import ValidationException
from tests.backends.mongo_app import KINDS, NOW, new_session
from tests.conftest import PASSWORD
from tests.outbox import mailing
from tests.servers import mongo_database
from tests.services.conftest import MakeAuth
from tests.web.helpers import me, refused


class Staffer(Document):
    """An app's own user: with an address of the house, a hash of its kind, and a reason for who is disabled."""

    username: str
    email: str
    hashed_password: str
    disabled: bool = False
    reason: str | None = None

    @field_validator("email")
    @classmethod
    def is_of_the_house(cls, email: str) -> str:
        if not email.endswith("@example.com"):
            raise ValueError("addresses of the house only")
        return email

    @field_validator("hashed_password")
    @classmethod
    def is_no_old_hash(cls, hashed: str) -> str:
        if hashed.startswith("old"):
            raise ValueError("hashes of another kind")
        return hashed

    @model_validator(mode="after")
    def has_a_reason(self) -> Self:
        if self.disabled is (self.reason is None):
            raise ValueError("a reason for who is disabled, and only then")
        return self


_Verb = Callable[[MongoStore[Staffer], str], Awaitable[object]]
_LEFT = {"disabled": True, "reason": "left"}
_REFUSED: dict[str, tuple[dict[str, Any], str, _Verb]] = {
    "address": ({}, "email", lambda store, key: store.set_email(key, "ada@else.example", verified=False)),
    "password": ({}, "hashed_password", lambda store, key: store.set_password(key, "old hash", now=NOW)),
    "disable": ({}, "", lambda store, key: store.set_disabled(key, True, now=NOW)),
    "enable": (_LEFT, "", lambda store, key: store.set_disabled(key, False, now=NOW)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", _REFUSED)
async def test_what_the_class_refuses_is_not_written(kind: str, name: str) -> None:
    """An address, a hash or a flag that the class refuses is told by its field, and the account is as it was."""
    fields, field, verb = _REFUSED[name]
    async with mongo_database(kind) as database:
        store = MongoStore(database, user_model=Staffer)
        await store.create_schema()
        ada = Staffer(username="ada", email="ada@example.com", hashed_password="hash", **fields)
        await ada.insert()
        await store.add_session(new_session(str(ada.id)), hashed_password="hash")
        before = await store.get_user(str(ada.id)), await store.list_sessions(str(ada.id), now=NOW)

        with pytest.raises(ValidationException) as told:
            await verb(store, str(ada.id))

        assert [detail["loc"] for detail in told.value.details] == [["body", field]]
        assert "old hash" not in f"{told.value.details}{told.value.__cause__}"
        assert (await store.get_user(str(ada.id)), await store.list_sessions(str(ada.id), now=NOW)) == before
        assert await store.list_users(limit=9) == [before[0]]


async def test_a_hash_that_the_class_refuses_upgrades_nothing() -> None:
    """Where the class refuses the hash made anew at a sign-in, the user keeps the one that is good, and signs in."""
    async with mongo_database("mongo-standalone") as database:
        store = MongoStore(database, user_model=Staffer)
        await store.create_schema()
        ada = Staffer(username="ada", email="ada@example.com", hashed_password="hash")
        await ada.insert()

        replaced = await store.replace_password(str(ada.id), old_hash="hash", new_hash="old hash")

        assert replaced is False
        assert await store.add_session(new_session(str(ada.id)), hashed_password="hash")


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_locks_themselves_out_by_an_address(kind: str, make_auth: MakeAuth) -> None:
    """An address that the class refuses is 422 when it is confirmed; the account and the listing go on as before."""
    async with mongo_database(kind) as database:
        store = MongoStore(database, user_model=Staffer)
        await store.create_schema()
        async with mailing(store, make_auth, "ada", "admin") as flow:
            tokens = await flow.tokens()
            change = {"new_email": "ada@else.example", "current_password": PASSWORD}
            assert (await flow.call("POST /email/change", tokens, **change)).status_code == 202
            token = flow.outbox.token("confirm_email_change")

            confirmed = await flow.call("POST /email/change/confirm", token=token)

            (detail,) = refused(confirmed, 422, "VALIDATION_ERROR")["details"]
            assert detail["loc"] == ["body", "email"]
            assert (await me(flow.client, await flow.tokens())).json()["email"] == "ada@example.com"
            assert (await flow.call("GET /users", await flow.tokens("admin"))).status_code == 200
