"""The audit trail: a line per event in the log and, where wanted, in the database; safe to read, and to keep."""

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fastauth import FastAuth, Store, StoreUnavailableException, ValidationException
from fastauth.core.events import SessionRevoked, SignedIn, SignInFailed
from fastauth.core.models import Client
from fastauth.core.settings import AuditSettings
from fastauth.services.audit import AuditTrail
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.outbox import mailing, settle
from tests.services.conftest import MakeAuth, make, memory_only
from tests.services.watched_store import WatchedStore
from tests.web.helpers import refused, try_sign_in

NOW = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=timezone.utc)


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what the trail has logged."""
    return [record for record in caplog.records if record.name == "fastauth.audit"]


def failure(login: str = "ada") -> SignInFailed:
    """Return a sign-in that failed."""
    return SignInFailed(at=NOW, client=Client.of("203.0.113.7", "curl/8"), login=login, reason="FASTAUTH_X")


def test_a_line_has_its_fields_in_text_and_as_data(caplog: pytest.LogCaptureFixture) -> None:
    """A line is names and JSON values, without what is not known; formatters find the same in ``record.fastauth``."""
    caplog.set_level(logging.INFO, "fastauth.audit")

    AuditTrail(AuditSettings()).log(failure())
    AuditTrail(AuditSettings()).log(SessionRevoked(at=NOW, actor_id="1", user_id="7", session_id="s", count=1))

    refusal, end = lines(caplog)
    assert refusal.levelno == logging.WARNING
    assert refusal.getMessage() == (
        'event="session.refused" outcome="failure" at="2031-05-06T07:08:09+00:00" ip="203.0.113.7" '
        'user_agent="curl/8" login="ada" reason="FASTAUTH_X"'
    )
    assert end.levelno == logging.INFO
    assert end.fastauth == {  # type: ignore[attr-defined]
        "event": "session.revoked",
        "outcome": "success",
        "at": "2031-05-06T07:08:09+00:00",
        "actor_id": "1",
        "user_id": "7",
        "session_id": "s",
        "ip": None,
        "user_agent": None,
        "count": "1",
    }


def test_a_level_that_is_not_wanted_costs_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where successes are not logged, refusals still are; and no record is made for nothing."""
    made: list[str] = []
    original = AuditTrail.record_of
    monkeypatch.setattr(AuditTrail, "record_of", lambda self, event: made.append(event.name) or original(self, event))
    caplog.set_level(logging.WARNING, "fastauth.audit")

    AuditTrail(AuditSettings()).log(SessionRevoked(at=NOW))
    AuditTrail(AuditSettings()).log(failure())

    assert made == ["session.refused"]
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize("text", ["a\r\nevent=x", "a\u2028b", "a\x1b[31m", "a\x00b", '"\\', "\u202eada", "x" * 5000])
def test_no_text_of_a_client_breaks_a_line(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Whatever a client sends, a line stays one line of printable ASCII and of bounded length."""
    event = SignInFailed(at=NOW, client=Client.of(text, text), login=text, reason="x")

    AuditTrail(AuditSettings()).log(event)

    (line,) = lines(caplog)
    assert line.getMessage().isascii()
    assert line.getMessage().isprintable()
    assert len(line.getMessage()) < 2500


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ada@example.com", "a***@example.com"),
        ("a@b@example.com", "a***@example.com"),
        ("@example.com", "***@example.com"),
        ("ada", "ada"),
        ("x" * 300 + "@example.com", "x***@example.com"),
    ],
)
def test_addresses_can_be_masked(value: str, shown: str) -> None:
    """With ``mask_emails`` an address shows its first letter and its domain, however long it is."""
    masked = AuditTrail(AuditSettings(mask_emails=True)).record_of(failure(value))
    plain = AuditTrail(AuditSettings()).record_of(failure(value))

    assert masked.details["login"] == shown
    assert plain.details["login"] == value[:128]


def test_records_sort_as_they_were_made() -> None:
    """Ids of one process sort in the order in which the records were made, and fit where they are kept."""
    trail = AuditTrail(AuditSettings())
    made = [trail.record_of(failure()) for _ in range(100)]

    assert sorted(record.id for record in made) == [record.id for record in made]
    assert {len(record.id) for record in made} == {32}
    assert {record.at.microsecond for record in made} == {0}


@pytest.mark.parametrize("length", [300, 5000])
async def test_what_a_client_says_of_itself_is_never_too_long_to_keep(
    store: Store[Any], make_auth: MakeAuth, length: int
) -> None:
    """A long user agent, or a long name in any script, makes no sign-in fail where the trail is kept."""
    async with mailing(store, make_auth, "ada", audit=AuditSettings(keep=True)) as flow:
        flow.client.headers["User-Agent"] = "x" * length
        await flow.tokens()
        refused(await try_sign_in(flow.client, "\U00010428" * 254, PASSWORD), 401, "INVALID_CREDENTIALS")
        refusal, start = (await flow.auth.audit.list())[:2]

    assert [len(record.user_agent or "") for record in (refusal, start)] == [255, 255]
    assert len(json.dumps(dict(refusal.details))) <= 2000


async def test_the_trail_is_read_page_by_page_and_purged(
    store: Store[Any], make_auth: MakeAuth, clock: ManualClock
) -> None:
    """Records are found by user, event and time, newest first; and those of long ago can be deleted."""
    auth = make_auth(store, audit=AuditSettings(keep=True))
    await auth.initialize_db()
    ada = await make(auth, "ada")
    clock.move(timedelta(days=400))
    long_ago = clock() - timedelta(days=365)
    root = await make(auth, "root", "superadmin")
    await auth.accounts.disable(ada.id, by=root)

    async def names(**which: Any) -> list[str]:
        return [record.event for record in await auth.audit.list(**which)]

    assert await names() == ["user.disabled", "user.registered", "user.registered"]
    assert await names(user_id=ada.id) == ["user.disabled", "user.registered"]
    assert await names(user_id=root.id) == ["user.disabled", "user.registered"]
    assert await names(event="user.disabled") == ["user.disabled"]
    assert await names(since=long_ago) == ["user.disabled", "user.registered"]
    (newest,) = await auth.audit.list(limit=0)
    assert (newest.actor_id, newest.user_id, newest.outcome) == (root.id, ada.id, "success")
    assert await names(before=newest.id, limit=1) == ["user.registered"]
    assert await auth.audit.purge(long_ago) == 1
    assert len(await names(limit=10**6)) == 2


@pytest.mark.parametrize("zone", [-11, 0, 14])
async def test_a_moment_may_be_said_in_any_time_zone(
    store: Store[Any], make_auth: MakeAuth, clock: ManualClock, zone: int
) -> None:
    """What is listed and what is deleted goes by the moment, and not by what the clocks of a place show."""
    auth = make_auth(store, audit=AuditSettings(keep=True))
    await auth.initialize_db()
    await make(auth, "ada")
    before = (clock() - timedelta(hours=1)).astimezone(timezone(timedelta(hours=zone)))
    after = before + timedelta(hours=2)

    assert (len(await auth.audit.list(since=before)), len(await auth.audit.list(since=after))) == (1, 0)
    assert (await auth.audit.purge(before), await auth.audit.purge(after)) == (0, 1)


@memory_only
async def test_a_time_without_a_zone_is_refused(auth: FastAuth[Any]) -> None:
    """A time of day without a zone may mean any moment of a day, and so nothing is listed or deleted by it."""
    moment = NOW.replace(tzinfo=None)
    with pytest.raises(ValidationException) as listing:
        await auth.audit.list(since=moment)
    with pytest.raises(ValidationException) as deletion:
        await auth.audit.purge(moment)

    assert [error.value.details[0]["loc"] for error in (listing, deletion)] == [["body", "since"], ["body", "before"]]


async def test_an_event_and_its_record_are_one_step(store: Store[Any], make_auth: MakeAuth) -> None:
    """Where the record cannot be written, what it tells of has not happened, and is not told of."""
    watched = WatchedStore(store)
    auth = make_auth(watched, audit=AuditSettings(keep=True))
    await auth.initialize_db()
    ada, told = await make(auth, "ada"), list[str]()
    auth.on(SignedIn)(lambda event: told.append(event.name))

    async def outage() -> None:
        raise StoreUnavailableException

    watched.before["add_audit_record"] = outage
    with pytest.raises(StoreUnavailableException):
        await auth.sessions.start(ada)
    await settle(auth)
    assert (await auth.sessions.list(ada.id), told) == ([], [])

    await auth.sessions.start(ada)
    await settle(auth)
    assert (len(await auth.sessions.list(ada.id)), told) == (1, ["session.started"])


async def test_by_default_nothing_is_kept(auth: FastAuth[Any]) -> None:
    """Without ``keep``, the trail is in the log alone."""
    await make(auth, "ada")

    assert await auth.audit.list() == []
