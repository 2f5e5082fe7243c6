"""Whatever class an app has for its users, and on whatever database, registration and sign-in go through with it."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import DateTime, Interval, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import mapped_column, object_session
from sqlalchemy.orm.exc import DetachedInstanceError

from fastauth import FastAuth, UserExistsException, ValidationException
from fastauth.backends.sql import SQLStore
from fastauth.core.models import NewUser
from tests.backends.sql.conftest import Defined, sent
from tests.backends.sql.user_models import MODELS, Case, Level, Member, Post, RichMember
from tests.conftest import PASSWORD

MakeAuth = Callable[..., FastAuth[Any]]
WITH_FIELDS = {name: case for name, case in MODELS.items() if case.fields}


async def store_of(engine: AsyncEngine, case: Case) -> SQLStore[Any]:
    """Return a store with this user class and its schema."""
    names = tuple(case.said)
    store: SQLStore[Any] = SQLStore(engine, user_model=case.model, public_fields=names, writable_fields=names)
    await store.create_schema()
    await store.ensure_roles({"user": ""})
    return store


@pytest.mark.parametrize("case", MODELS.values(), ids=MODELS)
async def test_a_user_class_of_any_kind_registers_and_signs_in(
    engine: AsyncEngine, case: Case, make_auth: MakeAuth
) -> None:
    """An object of the app's class comes back with all its fields, from registering, by its id and by a token."""
    auth = make_auth(await store_of(engine, case))

    registered = await auth.accounts.register("Ada", "ada@example.com", PASSWORD, **case.fields)
    tokens = await auth.sessions.start(registered)
    by_id = await auth.accounts.get(registered.id)
    by_token = await auth.sessions.authenticate(tokens.access_token)

    for account in (registered, by_id, by_token):
        user = account.user
        assert type(user) is case.model
        assert (user.username, user.email, user.disabled) == ("ada", "ada@example.com", False)
        assert str(getattr(user, case.key)) == account.id == registered.id
        assert {name: _in_utc(getattr(user, name)) for name in case.fields} == dict(case.fields)
        values = {name: _in_utc(value) for name, value in auth.store.public_values(user).items()}
        assert values == {"id": getattr(user, case.key), **case.said}


@pytest.mark.parametrize("case", MODELS.values(), ids=MODELS)
async def test_a_user_object_is_detached_and_loaded(engine: AsyncEngine, case: Case, make_auth: MakeAuth) -> None:
    """An object of the app's class belongs to no session, needs none, and can be merged into one and changed."""
    store = await store_of(engine, case)
    account = await make_auth(store).accounts.register("ada", "ada@example.com", PASSWORD, **case.fields)

    with sent(engine) as statements:
        read = {name: getattr(account.user, name) for name in ("username", "email", "hashed_password", "disabled")}
    assert statements == []
    assert read["hashed_password"] == account.hashed_password
    assert object_session(account.user) is None

    async with AsyncSession(engine) as session, session.begin():
        merged = await session.merge(account.user)
        assert merged is not account.user
        merged.email = "lovelace@example.com"
    changed = await store.get_user(account.id)
    assert changed is not None
    assert (changed.email, changed.user.email) == ("lovelace@example.com", "lovelace@example.com")

    async with AsyncSession(engine) as session:
        session.add(changed.user)
        await session.refresh(changed.user)
        assert changed.user.email == "lovelace@example.com"


@pytest.mark.parametrize("case", WITH_FIELDS.values(), ids=WITH_FIELDS)
async def test_what_is_left_out_has_its_default(engine: AsyncEngine, case: Case, make_auth: MakeAuth) -> None:
    """A field that is not given has the default of its class, or of the database."""
    account = await make_auth(await store_of(engine, case)).accounts.register("ada", "ada@example.com", PASSWORD)

    assert account.user.first_name is None


async def test_defaults_and_computed_values_are_loaded(engine: AsyncEngine, make_auth: MakeAuth) -> None:
    """What the class, the database and a column property make of a new row is there, without another statement."""
    auth = make_auth(await store_of(engine, MODELS["plain"]))

    user = (await auth.accounts.register("ada", "ada@example.com", PASSWORD)).user

    assert (str(user.balance), user.level, user.settings) == ("1.50", Level.BRONZE, {})
    assert isinstance(user.joined_at, datetime)
    assert user.loud_name == "ADA"


async def test_a_mutable_value_of_a_user_object_is_tracked(engine: AsyncEngine, make_auth: MakeAuth) -> None:
    """A change inside a mutable value is noticed by the session that the object is added to."""
    store = await store_of(engine, MODELS["plain"])
    account = await make_auth(store).accounts.register("ada", "ada@example.com", PASSWORD)

    async with AsyncSession(engine) as session, session.begin():
        session.add(account.user)
        account.user.settings["theme"] = "dark"

    async with AsyncSession(engine) as session:
        assert await session.scalar(select(Member.settings)) == {"theme": "dark"}


async def test_hooks_of_the_class_are_called(engine: AsyncEngine, make_auth: MakeAuth) -> None:
    """Validators see what a new user is given, and the reconstructor every object that is loaded."""
    auth = make_auth(await store_of(engine, MODELS["rich"]))

    account = await auth.accounts.register("ada", "ada@example.com", PASSWORD, first_name="  Ada ")

    assert (account.user.first_name, account.user.loads) == ("Ada", 1)


async def test_a_validator_that_refuses_is_a_validation_error(engine: AsyncEngine, make_auth: MakeAuth) -> None:
    """What a validator of the class refuses is 422, stores nothing, and is not quoted."""
    auth = make_auth(await store_of(engine, MODELS["rich"]))

    with pytest.raises(ValidationException) as refused:
        await auth.accounts.register("ada", "ada@example.com", PASSWORD, first_name="nobody")

    assert refused.value.__cause__ is None
    assert "nobody" not in str(refused.value)
    assert await auth.accounts.find("ada") is None


async def test_a_relationship_does_no_hidden_io(engine: AsyncEngine, make_auth: MakeAuth) -> None:
    """A relationship is not loaded, says so, and is there for whoever merges the object into a session."""
    auth = make_auth(await store_of(engine, MODELS["rich"]))
    async with engine.begin() as connection:
        await connection.run_sync(Post.__table__.create)  # type: ignore[attr-defined]
    account = await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    with pytest.raises(DetachedInstanceError):
        _ = account.user.posts
    async with AsyncSession(engine) as session, session.begin():
        user: RichMember = await session.merge(account.user)
        await session.refresh(user, ["posts"])
        user.posts.append(Post())

    async with AsyncSession(engine) as session:
        assert (await session.scalars(select(Post.author_id))).all() == [int(account.id)]


async def test_a_unique_field_of_the_apps_own_is_named(engine: AsyncEngine, make_auth: MakeAuth) -> None:
    """A taken value of the app's own unique column is refused by that field, and stores nothing."""
    auth = make_auth(await store_of(engine, MODELS["plain"]))
    await auth.accounts.register("ada", "ada@example.com", PASSWORD, slug="countess")

    with pytest.raises(UserExistsException) as refused:
        await auth.accounts.register("grace", "grace@example.com", PASSWORD, slug="countess")

    assert refused.value.field == "slug"
    assert await auth.accounts.find("grace") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"born": "someday"},
        {"seen_at": 12},
        {"level": "platinum"},
        {"first_name": "lone \ud800 surrogate"},
        {"photo": "text"},
        {"balance": "much"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_value_that_does_not_fit_is_a_validation_error(
    engine: AsyncEngine, make_auth: MakeAuth, fields: dict[str, Any]
) -> None:
    """A value that the column cannot hold is 422 on every database, and stores nothing."""
    auth = make_auth(await store_of(engine, MODELS["plain"]))

    with pytest.raises(ValidationException):
        await auth.accounts.register("ada", "ada@example.com", PASSWORD, **fields)

    assert await auth.accounts.find("ada") is None


async def test_two_stores_may_share_a_user_class(tmp_path: Any) -> None:
    """A second store with the same user class finds the tables that the first one defined."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")

    first, second = SQLStore(engine, user_model=Member), SQLStore(engine, user_model=Member)

    assert first._tables == second._tables


def _in_utc(value: Any) -> Any:
    # SQLite and MariaDB have no time zones; this one was written in UTC.
    return value.replace(tzinfo=timezone.utc) if isinstance(value, datetime) and value.tzinfo is None else value


async def test_a_time_with_a_zone_is_shown_in_one(engine: AsyncEngine, model: Defined) -> None:
    """Whatever the database makes of a time's zone, the moment is the same when it is shown, and its zone is there."""
    fields = {
        "born": mapped_column(DateTime(timezone=True), nullable=True),
        "created": mapped_column(DateTime(timezone=True), server_default=func.now()),
        "pause": mapped_column(Interval, nullable=True),
    }
    store = SQLStore(engine, user_model=model(**fields), public_fields=tuple(fields), writable_fields=("born", "pause"))
    await store.create_schema()
    born, pause = datetime(1815, 12, 10, 6, tzinfo=timezone(timedelta(hours=2))), timedelta(days=1, seconds=2)
    new = NewUser("ada", "ada@example.com", "hash", {"born": born, "pause": pause})

    ada = await store.add_user(new, roles=())
    shown = store.public_values(ada.user)
    later = await store.update_user(ada.id, {"born": born + pause})

    assert later is not None
    assert (shown["born"], shown["pause"]) == (born, pause)
    assert shown["created"].tzinfo is not None
    assert store.public_values(later.user)["born"] == born + pause
