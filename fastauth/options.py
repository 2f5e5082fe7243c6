"""What ``FastAuth(...)`` is given, judged before anything is made of it."""

import inspect
import os
import re
from collections.abc import Sequence
from datetime import timedelta
from types import NoneType
from typing import Any

from fastauth.core.checks import check_kind, check_list, wrong_kind
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.protocols import Notifier, SignInMethod, Store
from fastauth.core.settings import (
    AuditSettings,
    CookieSettings,
    LimitSettings,
    LinkSettings,
    PasswordSettings,
    TokenSettings,
)
from fastauth.core.user_schema import UserSchema
from fastauth.notifiers.console import ConsoleNotifier

CONSOLE = ConsoleNotifier()
"""Stands where nobody chose a notifier: right for development, and none in production."""

PRODUCTION = frozenset({"production", "prod"})
"""What ``FASTAUTH_ENV`` says, in whatever case, where the checks are strict."""

_DEVELOPMENT = frozenset({"", "development", "dev", "test", "testing"})
_GROUPS: dict[str, type] = {
    "tokens": TokenSettings,
    "passwords": PasswordSettings,
    "cookies": CookieSettings,
    "links": LinkSettings,
    "audit": AuditSettings,
    "limits": LimitSettings,
}
_UNITS = {timedelta(seconds=1): "seconds", timedelta(minutes=1): "minutes", timedelta(days=1): "days"}
_BASE_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


def check_store(store: object) -> None:
    """Refuse what is no store: an engine, an address, or the class of a store.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(store, type) or not isinstance(getattr(store, "schema", None), UserSchema):
        raise wrong_kind("store", "a store, such as SQLStore(engine), MongoStore(database) or MemoryStore()", store)


def check_groups(**given: object) -> None:
    """Refuse a group of settings that is none, by the name of its option.

    Raises:
        ConfigurationError: It is something else, such as a dict.
    """
    for option, settings in given.items():
        group = _GROUPS[option]
        if settings is not None and not isinstance(settings, group):
            raise wrong_kind(option, f"{group.__name__}(...) or None", settings)


def check_switches(**given: object) -> None:
    """Refuse what is neither on nor off: the text ``"false"`` would be on.

    Raises:
        ConfigurationError: It is something else.
    """
    for option, switch in given.items():
        check_kind(option, switch, bool)


def fit_for_use(notifier: Notifier | None, *, production: bool) -> Notifier | None:
    """Return the notifier to use: None in production if nobody chose one.

    Raises:
        ConfigurationError: It cannot be awaited; or it is production, and it prints links to the console.
    """
    if notifier is not None and (isinstance(notifier, type) or not _is_async(getattr(notifier, "notify", None))):
        raise wrong_kind("notifier", "an object with `async def notify(self, notification)`, or None", notifier)
    if not production or not isinstance(notifier, ConsoleNotifier):
        return notifier
    if notifier is CONSOLE:  # nobody chose it
        return None
    raise ConfigurationError("A ConsoleNotifier prints links that let whoever reads them in; production refuses it.")


def check_enumeration(notifier: Notifier | None, *, enumeration_safe: bool) -> None:
    """Refuse answers that hide who is registered where no mail can tell it to those whom it concerns.

    Raises:
        ConfigurationError: There is no notifier.
    """
    if enumeration_safe and notifier is None:
        raise ConfigurationError("enumeration_safe=True needs a notifier: what an answer hides, a mail tells.")


def is_production(production: bool | None) -> bool:
    """Return what was passed, or what ``FASTAUTH_ENV`` says; without that it is development.

    Raises:
        ConfigurationError: ``FASTAUTH_ENV`` says neither.
    """
    if production is not None:
        check_kind("production", production, bool, NoneType)
        return production
    name = os.environ.get("FASTAUTH_ENV", "").lower()
    if name in PRODUCTION:
        return True
    if name in _DEVELOPMENT:
        return False
    raise ConfigurationError(f"FASTAUTH_ENV={name!r} is neither 'production' nor 'development'.")


def span_of(name: str, value: float | timedelta, unit: timedelta) -> timedelta:
    """Return a time span that may be given as a number of units.

    Raises:
        ConfigurationError: It is neither, or shorter than a second, or longer than can be counted.
    """
    given: object = value
    if not isinstance(given, (timedelta, int, float)) or isinstance(given, bool):
        raise wrong_kind(name, f"a number of {_UNITS[unit]} or a timedelta", value)
    try:
        span = value if isinstance(value, timedelta) else value * unit
    except (OverflowError, ValueError) as error:
        raise ConfigurationError(f"{name}={value!r} is no time that can be counted.") from error
    if span < timedelta(seconds=1):
        raise ConfigurationError(f"{name}={value!r} must be at least one second.")
    return span


def check_cookies(*, use_cookie: bool, secure: bool, production: bool) -> None:
    """Refuse cookies that send tokens in the clear.

    Raises:
        ConfigurationError: It is production, and the cookies are not ``Secure``.
    """
    if use_cookie and production and not secure:
        raise ConfigurationError("secure_cookies=False sends the tokens in the clear; production refuses it.")


def check_token_url(token_url: str, methods: Sequence[SignInMethod[Any, Any]]) -> None:
    """Refuse a path for tokens that is none, and sign-in methods that would have one path below it.

    Raises:
        ConfigurationError: The path or a name is not fit for use.
    """
    check_kind("token_url", token_url, str)
    if not token_url.startswith("/") or token_url.endswith("/"):
        raise ConfigurationError(f"token_url={token_url!r} must begin with a slash and end without one, as '/token'.")
    check_list("sign_in_methods", methods, such_as="a method")
    names = [method.name for method in methods]
    for name in names:
        if name in {"refresh", "password"} or names.count(name) > 1:
            raise ConfigurationError(f"A sign-in method cannot be called {name!r}: the name is taken.")


def check_prefix(prefix: str) -> None:
    """Refuse what no path can begin with.

    Raises:
        ConfigurationError: It does not begin with a slash, or ends with one.
    """
    check_kind("prefix", prefix, str)
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        raise ConfigurationError(f"prefix={prefix!r} must begin with a slash and end without one, as '/auth'.")


def check_base_url(base_url: str | None) -> None:
    """Refuse an address to which no path can be added.

    Raises:
        ConfigurationError: It is no ``http`` or ``https`` address, or has a query or a fragment.
    """
    check_kind("base_url", base_url, str, NoneType)
    if base_url is not None and _BASE_URL.fullmatch(base_url) is None:
        raise ConfigurationError(
            f"base_url={base_url!r} must be the address of the app's pages, as 'https://app.example.com', without "
            "a query."
        )


def check_registration(store: Store[Any]) -> None:
    """Refuse a user model that nobody can register for.

    Raises:
        ConfigurationError: It has a field that needs a value and that no client may set.
    """
    writable = {field.name for field in store.schema.writable}
    for name in store.schema.required:
        if name not in writable:
            raise ConfigurationError(
                f"{store.schema.name}.{name} needs a value, and /register may not set it: name it in writable_fields, "
                "give it a default, or pass registration=False."
            )


def _is_async(notify: object) -> bool:
    if not (inspect.isfunction(notify) or inspect.ismethod(notify)):
        return callable(notify)
    # A plain function may still hand on to one that is async, or return what can be awaited, and then it says so.
    promised = inspect.signature(notify).return_annotation
    returns_nothing = promised in (None, "None", inspect.Signature.empty)
    return inspect.iscoroutinefunction(inspect.unwrap(notify)) or not returns_nothing
