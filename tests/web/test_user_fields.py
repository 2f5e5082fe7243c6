"""The user model's own fields over HTTP: what is shown, what may be sent, and nothing more."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import JSON, DateTime, SmallInteger, String, func, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, UserMixin
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.web.helpers import (
    refused,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


LATER = {"plan", "tags", "height", "created_at"}


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(30))
    city: Mapped[str] = mapped_column(String(30), default="Paris")
    phone: Mapped[str | None] = mapped_column(String(30), unique=True)
    credit: Mapped[int] = mapped_column(default=0)
    plan: Mapped[int] = mapped_column(SmallInteger, default=0)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    height: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncGenerator[AsyncEngine, None]:
    """An engine on an empty database."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'members.db'}")
    yield engine
    await engine.dispose()


@pytest.fixture
async def member_client(
    engine: AsyncEngine, make_auth: Callable[..., FastAuth[Any]]
) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app with a user model of its own."""
    own = ("first_name", "city", "phone", "plan", "tags", "height")
    store = SQLStore(engine, user_model=Member, public_fields=(*own, "created_at"), writable_fields=own)
    auth = make_auth(store)
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        yield client


async def test_the_models_own_fields_travel(member_client: AsyncClient) -> None:
    """Public fields are shown, writable ones may be sent, and what is left out has the model's default."""
    user = await register(member_client, first_name="Ada", phone="+44 1")
    other = await register(member_client, "grace", first_name="Grace\nMurray", city="New York")
    tokens = await sign_in(member_client)

    shown = (await member_client.get("/users/me", headers=bearer(tokens))).json()

    assert shown == user
    assert shown.keys() == {"id", "username", "email", "disabled", "roles", "first_name", "city", "phone", *LATER}
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
        ("tags", None, "value_error"),
        ("height", "inf", "finite_number"),
        ("height", "nan", "finite_number"),
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
    assert not error["message"].startswith("Value error")  # a plain sentence of ours


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


async def test_a_time_that_the_database_made_is_shown_with_its_zone(member_client: AsyncClient) -> None:
    """SQLite gives back no zone, and the answer says the one that the time was stored in."""
    user = await register(member_client, first_name="Ada")

    assert datetime.fromisoformat(user["created_at"].replace("Z", "+00:00")).utcoffset() == timedelta(0)


async def test_what_is_stored_is_never_refused_on_the_way_out(member_client: AsyncClient, engine: AsyncEngine) -> None:
    """A row that keeps none of the bounds for what is sent is shown as it is, and is in nobody's way."""
    await register(member_client, first_name="Ada")
    tokens = await sign_in(member_client)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE members SET first_name = :long, plan = 70000"), {"long": "x" * 99})

    answer = await member_client.get("/users/me", headers=bearer(tokens))

    assert (answer.status_code, answer.json()["first_name"], answer.json()["plan"]) == (200, "x" * 99, 70000)


async def test_a_change_is_bounded_as_a_new_user_is(member_client: AsyncClient) -> None:
    """Nobody changes a field to what they could not have registered with, and what is there stays."""
    await register(member_client, first_name="Ada", tags=["a", None], height=1.5)
    tokens = await sign_in(member_client)

    for values in ({"tags": None}, {"height": "inf"}, {"height": "-inf"}, {"height": "nan"}):
        refused(await member_client.patch("/users/me", json=values, headers=bearer(tokens)), 422, "VALIDATION_ERROR")
    me = (await member_client.get("/users/me", headers=bearer(tokens))).json()

    assert (me["tags"], me["height"]) == (["a", None], 1.5)


async def test_what_json_has_no_number_for_is_shown_as_null(member_client: AsyncClient, engine: AsyncEngine) -> None:
    """An infinity that is stored already is in nobody's way either."""
    await register(member_client, first_name="Ada")
    tokens = await sign_in(member_client)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE members SET height = 9e999"))

    answer = await member_client.get("/users/me", headers=bearer(tokens))

    assert (answer.status_code, answer.json()["height"]) == (200, None)


async def test_only_what_is_sent_is_bounded_in_the_document(member_client: AsyncClient) -> None:
    """OpenAPI says how long a value may be where it is sent, and promises nothing where it is shown."""
    document = (await member_client.get("/openapi.json")).json()["components"]["schemas"]

    assert document["MemberRegister"]["properties"]["first_name"]["maxLength"] == 30
    assert document["MemberRead"]["properties"]["first_name"] == {"type": "string", "title": "First Name"}
    assert document["MemberRead"]["properties"]["created_at"]["format"] == "date-time"
