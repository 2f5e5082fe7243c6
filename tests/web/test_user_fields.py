"""The user model's own fields over HTTP: what is shown, what may be sent, and nothing more."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, UserMixin
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.web.helpers import (
    refused,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(30))
    city: Mapped[str] = mapped_column(String(30), default="Paris")
    phone: Mapped[str | None] = mapped_column(String(30), unique=True)
    credit: Mapped[int] = mapped_column(default=0)


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
