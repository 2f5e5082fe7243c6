"""The classes of events: stable names, and nothing in them that a log must not show."""

import dataclasses
from datetime import datetime, timezone
from typing import Any

import pytest

from fastauth import Account, Role, Session
from fastauth.core import events
from fastauth.core.events import Event

NOW = datetime(2031, 5, 6, tzinfo=timezone.utc)
ACCOUNT: Account[Any] = Account("7", "ada", "ada@example.com", "a hash", disabled=False, roles=frozenset(), user=None)
SESSION = Session("s" * 22, "7", 0, NOW, NOW, NOW)
FACTS: dict[str, Any] = {
    "account": ACCOUNT,
    "user_id": "7",
    "session_id": "s" * 22,
    "session": SESSION,
    "fields": ("city", "name"),
    "how": "reset",
    "old_email": "old@example.com",
    "new_email": "new@example.com",
    "login": "ada",
    "reason": "FASTAUTH_INVALID_CREDENTIALS",
    "count": 2,
    "role": "editor",
}
NAMES = {
    "UserRegistered": "user.registered",
    "UserUpdated": "user.updated",
    "UserDisabled": "user.disabled",
    "UserEnabled": "user.enabled",
    "UserDeleted": "user.deleted",
    "PasswordChanged": "password.changed",
    "PasswordRefused": "password.refused",
    "PasswordResetRequested": "password.reset_requested",
    "EmailVerified": "email.verified",
    "EmailChangeRequested": "email.change_requested",
    "EmailChanged": "email.changed",
    "SignedIn": "session.started",
    "SignInFailed": "session.refused",
    "SessionRevoked": "session.revoked",
    "RefreshTokenReused": "session.reused",
    "RoleGranted": "role.granted",
    "RoleRevoked": "role.revoked",
    "RoleCreated": "role.created",
    "RoleUpdated": "role.updated",
    "RoleDeleted": "role.deleted",
}
CLASSES: list[type[Event]] = [getattr(events, name) for name in NAMES]


def example(event_class: type[Event]) -> Event:
    """Return an event of a class."""
    names = {field.name for field in dataclasses.fields(event_class)} - {"at", "actor_id", "client"}
    facts = {name: FACTS[name] for name in names}
    if issubclass(event_class, events.RoleEvent):
        facts["role"] = Role("1", "editor", "")
    return event_class(at=NOW, **facts)


def test_the_names_of_events_change_only_on_purpose() -> None:
    """Each class that happens has its name in the log, and no other has one."""
    found = {
        name: value.name
        for name, value in vars(events).items()
        if isinstance(value, type) and issubclass(value, Event) and "name" in vars(value) and value is not Event
    }

    assert found == NAMES


@pytest.mark.parametrize("event_class", CLASSES)
def test_an_event_says_to_whom_it_happened(event_class: type[Event]) -> None:
    """Where a user is known, the event names them; what is about roles or unknown people names nobody."""
    nobody = event_class is events.SignInFailed or issubclass(event_class, events.RoleEvent)

    assert example(event_class).affected_id == (None if nobody else "7")


@pytest.mark.parametrize("event_class", CLASSES)
def test_what_the_trail_shows_of_an_event_is_text_and_no_address(event_class: type[Event]) -> None:
    """The details are texts, and neither they nor the ``repr`` hold a hash or an address that changed."""
    event = example(event_class)

    assert all(isinstance(value, str) for value in event.details.values())
    assert not {"old@example.com", "new@example.com", "a hash"} & set(event.details.values())
    assert not any(secret in repr(event) for secret in ("old@example.com", "new@example.com", "a hash"))


def test_the_details_of_each_event() -> None:
    """What else is said, event by event."""
    details = {each.name: example(each).details for each in CLASSES if example(each).details}

    assert details == {
        "user.updated": {"fields": "city,name"},
        "password.changed": {"how": "reset"},
        "session.refused": {"login": "ada", "reason": "FASTAUTH_INVALID_CREDENTIALS"},
        "session.revoked": {"count": "2"},
        "role.granted": {"role": "editor"},
        "role.revoked": {"role": "editor"},
        "role.created": {"role": "editor"},
        "role.updated": {"role": "editor"},
        "role.deleted": {"role": "editor"},
    }


def test_an_event_of_no_class_in_particular_says_nothing() -> None:
    """The root has a name and nobody to whom it happened."""
    event = Event(at=NOW)

    assert (event.name, event.outcome, event.affected_id, event.details) == ("event", "success", None, {})


def test_a_sign_in_names_its_session() -> None:
    """The trail finds the session that began."""
    event = example(events.SignedIn)

    assert isinstance(event, events.SignedIn)
    assert event.session_id == "s" * 22
