"""What ``FastAuth`` is given: who gives something else than is asked for is told what to write."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import ConfigurationError, FastAuth
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore, User
from fastauth.core.notifications import Notification
from fastauth.core.settings import AuditSettings, CookieSettings, LimitSettings, PasswordSettings, TokenSettings
from fastauth.notifiers.console import ConsoleNotifier
from tests.outbox import Outbox

Make = Callable[..., FastAuth[Any]]


class Silent:
    """A notifier that cannot be awaited."""

    def notify(self, notification: Notification) -> None: ...


class Unannotated:
    """The same, without a word about it."""

    def notify(self, notification):  # type: ignore[no-untyped-def]
        ...


class HandingOn:
    """A notifier that is not async itself, and returns what is."""

    def notify(self, notification: Notification) -> Awaitable[None]:
        return Outbox().notify(notification)


def passed_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class Decorated:
    """A notifier whose method a decorator hides."""

    @passed_on
    async def notify(self, notification: Notification) -> None: ...


@pytest.mark.parametrize("store", [MemoryStore, "sqlite+aiosqlite:///hush.db", None, object()])
def test_what_is_no_store_is_refused(make_auth: Make, store: Any) -> None:
    """The class of a store, an address and nothing at all are no store, and an address is not repeated."""
    with pytest.raises(ConfigurationError, match=r"store has to be a store, such as SQLStore\(engine\)") as caught:
        make_auth(store)

    assert "hush" not in caught.value.message


async def test_an_engine_is_no_store(make_auth: Make) -> None:
    """The engine goes into a store, and the error says into which."""
    engine = create_async_engine("sqlite+aiosqlite://")

    with pytest.raises(ConfigurationError, match=r"such as SQLStore\(engine\).*of type AsyncEngine"):
        make_auth(engine)
    await engine.dispose()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("access_token_expires_in", "30", "a number of minutes or a timedelta"),
        ("access_token_expires_in", True, "a number of minutes or a timedelta"),
        ("refresh_token_expires_in", None, "a number of days or a timedelta"),
        ("refresh_token_expires_in", float("inf"), "no time that can be counted"),
        ("store_timeout", "5", "a number of seconds or a timedelta"),
        ("store_timeout", float("nan"), "no time that can be counted"),
        ("purge_every", 5, "a timedelta, such as .* or None"),
        ("secret_key", 123, "a text, bytes or a Key, or a list of them"),
        ("secret_key", [None], "a text, bytes or a Key, or a list of them"),
        ("tokens", {"issuer": "us"}, r"TokenSettings\(\.\.\.\) or None"),
        ("tokens", {}, r"TokenSettings\(\.\.\.\) or None"),
        ("passwords", {"min_length": 12}, r"PasswordSettings\(\.\.\.\) or None"),
        ("passwords", PasswordSettings, "the class PasswordSettings"),
        ("cookies", "strict", r"CookieSettings\(\.\.\.\) or None"),
        ("links", [], r"LinkSettings\(\.\.\.\) or None"),
        ("audit", True, r"AuditSettings\(\.\.\.\) or None"),
        ("limits", False, r"LimitSettings\(\.\.\.\) or None"),
        ("use_cookie", "false", "True or False"),
        ("secure_cookies", 0, "True or False"),
        ("registration", "no", "True or False"),
        ("enumeration_safe", 1, "True or False"),
        ("production", "false", "True or False or None"),
        ("reserved_usernames", "root", r"is a list: write \['root'\]"),
        ("telemetry", object(), r"such as \[PrometheusTelemetry\(\)\]"),
        ("sign_in_methods", object(), "a list"),
        ("token_url", None, "a text"),
        ("base_url", 5, "a text or None"),
        ("notifier", lambda notification: None, "async def notify"),
        ("notifier", Silent(), "async def notify"),
        ("notifier", Unannotated(), "async def notify"),
        ("notifier", Outbox, "the class Outbox"),
    ],
)
def test_what_is_of_another_kind_is_refused(make_auth: Make, option: str, value: Any, said: str) -> None:
    """An option of another kind is a configuration error that names it and says what to give."""
    with pytest.raises(ConfigurationError, match=f"^{option}.*{said}"):
        make_auth(MemoryStore(), **{option: value})


@pytest.mark.parametrize("notifier", [Outbox(), HandingOn(), Decorated(), AsyncMock()])
def test_whatever_can_be_awaited_is_a_notifier(make_auth: Make, notifier: Any) -> None:
    """A method that is async, says that it returns what is, or is only wrapped by a plain one, will do."""
    assert make_auth(MemoryStore(), notifier=notifier)


def test_production_prints_no_links(make_auth: Make) -> None:
    """What prints the links of mails to the console is for development, also where somebody chose it."""
    with pytest.raises(ConfigurationError, match="production refuses it"):
        make_auth(MemoryStore(), notifier=ConsoleNotifier(), production=True)


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (TokenSettings, {"leeway": 10}),
        (TokenSettings, {"issuer": 5}),
        (TokenSettings, {"audience": 5}),
        (TokenSettings, {"audience": ["api", 5]}),
        (PasswordSettings, {"min_length": "12"}),
        (PasswordSettings, {"bcrypt_cost": True}),
        (CookieSettings, {"allow_none": "no"}),
        (AuditSettings, {"keep_for": 30}),
        (LimitSettings, {"register": 5}),
        (LimitSettings, {"first_delay": 30}),
    ],
)
def test_a_setting_of_another_kind_is_refused(group: Callable[..., Any], values: dict[str, Any]) -> None:
    """So is one of a group of settings, by the name of the group."""
    [name] = values

    with pytest.raises(ConfigurationError, match=rf"{group.__name__}\({name}=\.\.\.\) has to be"):
        group(**values)


@pytest.mark.parametrize("option", ["public_fields", "writable_fields"])
async def test_the_fields_of_a_model_are_a_list(option: str) -> None:
    """One name is written as a list of one, not as a text, which is a list of letters."""
    engine = create_async_engine("sqlite+aiosqlite://")

    with pytest.raises(ConfigurationError, match=rf"{option} is a list: write \['first'\]"):
        SQLStore(engine, user_model=User, **{option: "first"})
    with pytest.raises(ConfigurationError, match="user_model has to be a mapped class"):
        SQLStore(engine, user_model=User())  # type: ignore[arg-type, call-overload]
    await engine.dispose()


def test_a_number_is_in_the_unit_of_its_option(make_auth: Make) -> None:
    """Numbers and time spans do, whole or not."""
    assert make_auth(MemoryStore(), access_token_expires_in=0.5, refresh_token_expires_in=timedelta(days=1))
