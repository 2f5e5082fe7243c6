"""What we talk about: frozen, compared by value, and silent about secrets."""

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from fastauth.core.models import STANDARD_ROLES, Account, Claims, NewUser, Role, Session, TokenPair
from fastauth.core.user_schema import UserSchema

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
SESSION = Session("s", "1", 0, created_at=NOW, rotated_at=NOW, expires_at=NOW + timedelta(minutes=1))
ACCOUNT = Account("1", "ada", "ada@example.com", "top-hash", False, frozenset({"user"}), user="top-user")
MODELS = [
    SESSION,
    ACCOUNT,
    Role("r", "editor", "Edits."),
    NewUser("ada", "ada@example.com", "top-hash", {"pin": "top-pin"}),
    TokenPair("s", "top-access", "top-refresh", 1800, 3600),
    Claims("1", "s", "j", NOW, NOW, {"note": "top-note"}),
    UserSchema("User", int),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_models_are_frozen(model: object) -> None:
    """No attribute of a model can be set, and none can be added."""
    name = dataclasses.fields(model)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(model, name, "other")
    with pytest.raises((AttributeError, TypeError)):
        model.anything = "new"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_no_model_shows_a_secret(model: object) -> None:
    """Hashes, tokens, users and their fields are in no ``repr`` and in no text."""
    for text in (repr(model), str(model), f"{model}", f"{[model]}"):
        assert "top-" not in text


def test_a_model_still_says_what_it_is_about() -> None:
    """What is no secret stays readable in a log."""
    assert "ada" in repr(ACCOUNT)
    assert "session_id='s'" in repr(TokenPair("s", "a", "b", 1, 2))


@pytest.mark.parametrize(
    ("revoked_at", "seconds", "live"),
    [
        (None, 0, True),
        (None, 59, True),
        (None, 60, False),
        (None, 61, False),
        (NOW, 0, False),
        (NOW + timedelta(hours=1), 0, False),
    ],
)
def test_a_session_is_live_until_it_expires_or_is_revoked(
    revoked_at: datetime | None, seconds: int, live: bool
) -> None:
    """A session lives to the moment before its end, and not at all once it was revoked."""
    session = dataclasses.replace(SESSION, revoked_at=revoked_at)

    assert session.is_live(NOW + timedelta(seconds=seconds)) is live


@pytest.mark.parametrize(("roles", "verified"), [((), False), (("user",), False), (("user", "verified"), True)])
def test_an_account_is_verified_by_its_role(roles: tuple[str, ...], verified: bool) -> None:
    """That an address was verified is kept once, as a role."""
    assert dataclasses.replace(ACCOUNT, roles=frozenset(roles)).verified is verified


def test_the_session_is_no_part_of_who_an_account_is() -> None:
    """One account, read by two sessions or by none, is equal to itself."""
    assert dataclasses.replace(ACCOUNT, session=SESSION) == ACCOUNT
    assert dataclasses.replace(ACCOUNT, disabled=True) != ACCOUNT


def test_the_standard_roles_are_the_six_and_each_says_what_it_is() -> None:
    """Every installation has the same six roles, each with a description."""
    assert list(STANDARD_ROLES) == ["superadmin", "admin", "moderator", "premium", "verified", "user"]
    assert all(description.endswith(".") for description in STANDARD_ROLES.values())
