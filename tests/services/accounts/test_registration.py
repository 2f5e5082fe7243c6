"""Registration: what is stored is told as stored, and what was taken is told to whom it concerns and nobody else."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from beanie import Document, Indexed
from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth.backends.memory import MemoryStore
from fastauth.backends.mongo import MongoStore
from fastauth.backends.sql import SQLStore, UserMixin
from tests.conftest import PASSWORD
from tests.core.vaults import Vault
from tests.outbox import mailing
from tests.servers import mongo_database
from tests.services.conftest import MakeAuth
from tests.stores.engines import ENGINES

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


@pytest.mark.parametrize("enumeration_safe", [False, True])
async def test_a_registration_does_not_need_the_signer(
    make_auth: MakeAuth, caplog: pytest.LogCaptureFixture, *, enumeration_safe: bool
) -> None:
    """Without the external signer an account is made and told as made; its mail is missing, and asked for later."""
    vault = Vault()
    async with mailing(MemoryStore(), make_auth, secret_key=vault.key, enumeration_safe=enumeration_safe) as flow:
        vault.is_away = True
        answer = await flow.call("POST /register", **ADA)
        told = flow.outbox.told()
        vault.is_away = False
        await flow.mailed("verify_email")

        assert answer.status_code == (202 if enumeration_safe else 201)
        assert (told, flow.outbox.told()) == ([], [("verify_email", "ada@example.com")])
    (left_out,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert left_out == "A notification was left out, it cannot be signed: verify_email, FASTAUTH_KEYS_UNAVAILABLE"
    assert "10.0.0.7" not in caplog.text


@asynccontextmanager
async def sql_store(kind: str, folder: Path) -> AsyncGenerator[Any, None]:
    class Base(DeclarativeBase):
        pass

    class Member(UserMixin, Base):
        __tablename__ = f"members_{secrets.token_hex(4)}"

        id: Mapped[int] = mapped_column(primary_key=True)
        phone: Mapped[str] = mapped_column(String(20), CheckConstraint("phone <> '0'"), unique=True)

    async with ENGINES[kind](folder) as engine:
        yield SQLStore(engine, user_model=Member, writable_fields=["phone"])


@asynccontextmanager
async def mongo_store(kind: str) -> AsyncGenerator[Any, None]:
    class Member(Document):
        username: str
        email: str
        hashed_password: str
        disabled: bool = False
        phone: Annotated[str, Indexed(unique=True)]

    async with mongo_database(kind) as database:
        yield MongoStore(database, user_model=Member, writable_fields=["phone"])


@pytest.mark.parametrize("kind", [*ENGINES, "mongo-standalone", "mongo-replica-set"])
async def test_whose_value_is_taken_is_not_told_of_an_account(kind: str, make_auth: MakeAuth, tmp_path: Path) -> None:
    """With ``enumeration_safe``, a unique value of the app's own that is taken answers as any other registration does.

    The address that was typed is told that it was not possible. It has no account, and the one that has the value
    hears nothing; of a taken name or address the mails are the usual ones, whatever else is taken.
    """
    async with (
        mongo_store(kind) if kind.startswith("mongo") else sql_store(kind, tmp_path) as store,
        mailing(store, make_auth, enumeration_safe=True) as flow,
    ):
        answers, mails = [], []
        for username, address in (("ada", "ada"), ("eve", "eve"), ("ada", "eve"), ("eve", "ada")):
            body = {"username": username, "email": f"{address}@example.com", "password": PASSWORD, "phone": "123"}
            answers.append(await flow.call("POST /register", **body))
            mails.append(flow.outbox.told())

        assert len({(each.status_code, each.content, str(each.headers)) for each in answers}) == 1
        assert mails == [
            [("verify_email", "ada@example.com")],
            [("registration_refused", "eve@example.com")],
            [("username_taken", "eve@example.com")],
            [("already_registered", "ada@example.com")],
        ]
        assert [account.username for account in await flow.auth.accounts.list()] == ["ada"]


async def test_what_only_the_database_refuses_is_told_by_mail(
    make_auth: MakeAuth, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A rule of the database's own is too late for the answer: the address that was typed is told."""
    caplog.set_level("INFO", "fastauth")
    async with sql_store("sqlite", tmp_path) as store, mailing(store, make_auth, enumeration_safe=True) as flow:
        answer = await flow.call("POST /register", **ADA, phone="0")

        assert (answer.status_code, flow.outbox.told()) == (202, [("registration_refused", "ada@example.com")])
        assert await flow.auth.accounts.list() == []
    assert "A registration was refused: FASTAUTH_VALIDATION_ERROR" in caplog.text
    assert not [each for each in caplog.records if each.levelname == "ERROR"]
