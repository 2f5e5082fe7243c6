"""Every option of ``FastAuth`` and of its groups of settings changes something that can be seen from outside."""

import dataclasses
import inspect
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from fastauth import CookieSettings, FastAuth, Key, LimitSettings, PasswordSettings, TokenSettings
from fastauth.core.settings import AuditSettings, LinkSettings
from tests.observations import (
    LONG_AGO,
    LONG_KEY,
    MARKED,
    SLOW_MAIL,
    WATCHER,
    Observe,
    OwnStore,
    PinSignIn,
    access_lifetime,
    access_samesite,
    algorithm,
    audience,
    breach_of_eight,
    by_no_page,
    by_origin,
    by_same_site,
    cookies,
    cost,
    eight_characters,
    failures_at_once,
    failures_in_all,
    failures_of_many,
    failures_with_patience,
    forwarded_address,
    hashes_at_once,
    hashes_refused,
    is_marked_recognised,
    issued_at,
    issuer,
    just_expired,
    kept_trail,
    key_name,
    link,
    link_lifetime,
    mailed_routes,
    mails,
    old_trail,
    outbox,
    real_address,
    refresh_lifetime,
    refreshes_of_many,
    refreshes_of_one,
    refused_login,
    registration,
    registrations_of_many,
    registrations_of_one,
    scheme,
    second_refresh,
    seen,
    slow_mail,
    slow_sign_in,
    sweeping,
    ticket_lifetime,
    token_paths,
    users_of_own_store,
    verifications,
    watched,
)

OTHER_KEY = LONG_KEY[::-1]


class Case(NamedTuple):
    """What is seen without the option and with it, all else being equal."""

    value: Any
    observe: Observe
    without: Any
    with_it: Any
    beside: Mapping[str, Any] = MappingProxyType({})


def linked(kind: str, path: str) -> Case:
    """Return the case of a path that links lead to."""
    base = "https://app.example.com"
    return Case("/x?token={token}", partial(link, kind=kind), without=f"{base}{path}", with_it=f"{base}/x?")


def lasting(kind: str, by_default: timedelta) -> Case:
    """Return the case of the lifetime of a link."""
    other = timedelta(minutes=7)
    return Case(other, partial(link_lifetime, kind=kind), without=by_default, with_it=other)


COOKIES = ["__Host-fastauth_access", "__Host-fastauth_csrf", "__Host-fastauth_refresh"]
PLAIN_COOKIES = [name.removeprefix("__Host-") for name in COOKIES]


IN_COOKIES = {"use_cookie": True}


PAID = PasswordSettings(bcrypt_cost=10)


HASHED = {"hasher": MARKED}


MAILING = {"notifier": outbox}


LINKING = {**MAILING, "base_url": "https://app.example.com"}


OPTIONS: dict[str, Case] = {
    "store": Case(OwnStore, users_of_own_store, without=[], with_it=["eve"]),
    "secret_key": Case(OTHER_KEY, key_name, without=Key(LONG_KEY).kid, with_it=Key(OTHER_KEY).kid),
    "algorithm": Case("HS512", algorithm, without="HS256", with_it="HS512"),
    "access_token_expires_in": Case(5, access_lifetime, without=1800, with_it=300),
    "refresh_token_expires_in": Case(1, refresh_lifetime, without=604800, with_it=86400),
    "use_cookie": Case(True, cookies, without=[], with_it=COOKIES),
    "secure_cookies": Case(False, cookies, without=COOKIES, with_it=PLAIN_COOKIES, beside=IN_COOKIES),
    "token_url": Case(
        "/login", token_paths, without=["/token", "/token/refresh"], with_it=["/login", "/login/refresh"]
    ),
    "registration": Case(False, registration, without=201, with_it=404),
    "notifier": Case(None, mailed_routes, without=202, with_it=404),
    "base_url": Case(
        "https://app.example.com",
        partial(link, kind="verify_email"),
        without=None,
        with_it="https://app.example.com/verify-email#",
        beside=MAILING,
    ),
    "enumeration_safe": Case(True, registration, without=201, with_it=202, beside=MAILING),
    "reserved_usernames": Case(["eve"], registration, without=201, with_it=422),
    "production": Case(True, eight_characters, without=201, with_it=422, beside={"passwords": PAID}),
    "tokens": Case(TokenSettings(issuer="us"), issuer, without=None, with_it="us"),
    "passwords": Case(PasswordSettings(min_length=9, bcrypt_cost=4), eight_characters, without=201, with_it=422),
    "cookies": Case(
        CookieSettings(name="x"),
        cookies,
        without=COOKIES,
        with_it=["__Host-x_access", "__Host-x_csrf", "__Host-x_refresh"],
        beside=IN_COOKIES,
    ),
    "links": Case(
        LinkSettings(verify_email="/v?token={token}"),
        partial(link, kind="verify_email"),
        without="https://app.example.com/verify-email#",
        with_it="https://app.example.com/v?",
        beside=LINKING,
    ),
    "audit": Case(AuditSettings(keep=True), kept_trail, without=[], with_it=["user.registered"]),
    "limits": Case(None, failures_at_once, without=10, with_it=12),
    "trusted_proxies": Case(1, forwarded_address, without=None, with_it="203.0.113.7"),
    "proxy_header": Case(
        "X-Real-IP", real_address, without="127.0.0.1", with_it="203.0.113.7", beside={"trusted_proxies": 1}
    ),
    "sign_in_methods": Case(
        [PinSignIn()],
        token_paths,
        without=["/token", "/token/refresh"],
        with_it=["/token", "/token/refresh", "/token/pin"],
    ),
    "store_timeout": Case(1, slow_sign_in, without=200, with_it=503, beside={"store": OwnStore}),
    "telemetry": Case([WATCHER], watched, without=[], with_it=["session.started"]),
    "purge_every": Case(None, sweeping, without=True, with_it=False),
    "clock": Case(lambda: LONG_AGO, issued_at, without=False, with_it=True),
}


GROUPS: dict[tuple[type[Any], str], dict[str, Case]] = {
    (CookieSettings, "cookies"): {
        "name": Case("x", cookies, without=COOKIES, with_it=["__Host-x_access", "__Host-x_csrf", "__Host-x_refresh"]),
        "samesite": Case("strict", access_samesite, without=False, with_it=True),
        "trusted_origins": Case(["https://app.example.com"], by_origin, without=403, with_it=204),
        "allow_same_site": Case(True, by_same_site, without=403, with_it=204),
        "allow_none": Case(False, by_no_page, without=204, with_it=403),
    },
    (TokenSettings, "tokens"): {
        "issuer": Case("us", issuer, without=None, with_it="us"),
        "audience": Case(["a", "b"], audience, without=None, with_it=["a", "b"]),
        "leeway": Case(timedelta(0), just_expired, without=200, with_it=401),
        "refresh_grace": Case(timedelta(0), second_refresh, without=[200, 200], with_it=[200, 401]),
        "session_expires_in": Case(timedelta(hours=1), refresh_lifetime, without=604800, with_it=3600),
        "remembered_tokens": Case(0, verifications, without=1, with_it=3),
        "ticket_expires_in": Case(timedelta(seconds=5), ticket_lifetime, without=30, with_it=5),
    },
    (LinkSettings, "links"): {
        "verify_email": linked("verify_email", "/verify-email#"),
        "reset_password": linked("reset_password", "/reset-password#"),
        "change_email": linked("confirm_email_change", "/change-email#"),
        "verify_email_expires_in": lasting("verify_email", timedelta(days=1)),
        "reset_password_expires_in": lasting("reset_password", timedelta(hours=1)),
        "change_email_expires_in": lasting("confirm_email_change", timedelta(hours=1)),
        "timeout": Case(timedelta(milliseconds=20), slow_mail, without=True, with_it=False),
    },
    (AuditSettings, "audit"): {
        "keep": Case(True, kept_trail, without=[], with_it=["user.registered"]),
        "mask_emails": Case(
            True, refused_login, without="ada@example.com", with_it="a***@example.com", beside={"keep": True}
        ),
        "keep_for": Case(timedelta(days=1), old_trail, without=["user.registered"], with_it=[], beside={"keep": True}),
    },
    (LimitSettings, "limits"): {
        "storage": Case("redis://127.0.0.1:1/0", failures_at_once, without=10, with_it=0),
        "sign_in": Case("3/minute", failures_at_once, without=10, with_it=3),
        "sign_in_per_client": Case("5/minute", failures_of_many, without=60, with_it=5),
        "first_delay": Case(
            timedelta(minutes=5), failures_with_patience, without=[60, 60, 120], with_it=[300, 600, 1200]
        ),
        "longest_delay": Case(
            timedelta(seconds=90), failures_with_patience, without=[60, 60, 120], with_it=[60, 60, 90]
        ),
        "max_failures": Case(20, failures_in_all, without=50, with_it=20),
        "refresh": Case("3/minute", refreshes_of_one, without=30, with_it=3),
        "refresh_per_client": Case("5/minute", refreshes_of_many, without=300, with_it=5),
        "register": Case("3/hour", registrations_of_one, without=10, with_it=3),
        "register_per_client": Case("5/hour", registrations_of_many, without=30, with_it=5),
        "forgot_password": Case("3/hour", mails("forgot_password", accounts=1, times=9), without=5, with_it=3),
        "forgot_password_per_client": Case(
            "3/hour", mails("forgot_password", accounts=40, times=1), without=30, with_it=3
        ),
        "verify_email": Case("3/hour", mails("verify_email", accounts=1, times=9), without=5, with_it=3),
        "verify_email_per_client": Case("3/hour", mails("verify_email", accounts=40, times=1), without=30, with_it=3),
    },
    (PasswordSettings, "passwords"): {
        "min_length": Case(9, eight_characters, without=201, with_it=422),
        "bcrypt_cost": Case(5, cost, without=["4"], with_it=["5"]),
        "hasher": Case(MARKED, scheme, without="$bcrypt", with_it="marked:"),
        "verifies": Case([MARKED], is_marked_recognised, without=False, with_it=True),
        "threads": Case(1, hashes_at_once, without=True, with_it=False, beside={**HASHED, "threads": 6}),
        "queue_timeout": Case(
            timedelta(microseconds=1), hashes_refused, without=False, with_it=True, beside={**HASHED, "threads": 1}
        ),
        "blocklist": Case(["Eight by"], eight_characters, without=201, with_it=422),
        "service_name": Case("Eight by", eight_characters, without=201, with_it=422),
        "breach_check": Case(breach_of_eight, eight_characters, without=201, with_it=422),
    },
}


def test_every_option_has_its_case() -> None:
    """No option can be added without a case that shows what it does."""
    assert OPTIONS.keys() == inspect.signature(FastAuth).parameters.keys()
    for (group, _), cases in GROUPS.items():
        assert cases.keys() == {field.name for field in dataclasses.fields(group)}


def test_every_group_of_settings_is_looked_at() -> None:
    """Each option that is a group of settings has its own fields looked at, one by one."""
    parameters = inspect.signature(FastAuth).parameters

    named = {name for name, parameter in parameters.items() if "Settings" in str(parameter.annotation)}
    assert named == {option for _, option in GROUPS}


@pytest.mark.parametrize("name", OPTIONS)
async def test_an_option_changes_what_is_seen(name: str) -> None:
    """The option changes behaviour as its case says, all other options being equal."""
    case = OPTIONS[name]

    assert await seen(case.observe, **case.beside) == case.without
    assert await seen(case.observe, **{**case.beside, name: case.value}) == case.with_it


@pytest.mark.parametrize(
    ("option", "name"), [(option, name) for (_, option), cases in GROUPS.items() for name in cases]
)
async def test_a_setting_changes_what_is_seen(option: str, name: str) -> None:
    """The setting changes behaviour as its case says, all other settings being equal."""
    group, case = next((group, cases[name]) for (group, each), cases in GROUPS.items() if each == option)
    cheap = {"bcrypt_cost": 4} if group is PasswordSettings else {}
    beside = {"cookies": IN_COOKIES, "links": LINKING}
    base: dict[str, Any] = dict(beside.get(option, {}))
    if name == "timeout":
        base["notifier"] = SLOW_MAIL

    assert await seen(case.observe, **base, **{option: group(**{**cheap, **case.beside})}) == case.without
    changed = group(**{**cheap, **case.beside, name: case.value})
    assert await seen(case.observe, **base, **{option: changed}) == case.with_it
