"""Telling people what happened, off the answer's path, and with links to the app's own pages."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from fastauth import ConfigurationError, Notification
from fastauth.backends.memory import MemoryStore
from fastauth.core.settings import LinkSettings
from fastauth.services import background
from tests.conftest import PASSWORD
from tests.outbox import Outbox, mailing, settle
from tests.services.conftest import MakeAuth, make

LINKS = {
    "verify_email": "/verify-email#token=",
    "reset_password": "/reset-password#token=",
    "confirm_email_change": "/change-email#token=",
}


class Failing:
    """A notifier that fails with the mail in its words."""

    async def notify(self, notification: Notification, /) -> None:
        raise OSError(f"could not send to {notification.to}: {notification.token}")


class Hanging:
    """A notifier that never comes back."""

    async def notify(self, notification: Notification, /) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("base_url", ["https://app.example.com", "https://app.example.com/"])
@pytest.mark.parametrize("kind", LINKS)
async def test_a_link_leads_to_the_apps_own_page(make_auth: MakeAuth, kind: str, base_url: str) -> None:
    """It begins with ``base_url``, with the token behind ``#``, and says how long it is good for."""
    async with mailing(MemoryStore(), make_auth, "ada", base_url=base_url) as flow:
        token = await flow.mailed(kind)
        notification = flow.outbox.last(kind)

    assert notification.link == f"https://app.example.com{LINKS[kind]}{token}"
    assert notification.expires_in in {timedelta(hours=1), timedelta(days=1)}
    assert token not in repr(notification)
    assert notification.username == "ada"


async def test_without_a_page_the_notifier_gets_the_token(make_auth: MakeAuth) -> None:
    """An app that makes its links itself has the token, and what asks nothing of anybody has neither."""
    async with mailing(MemoryStore(), make_auth, "ada", base_url=None) as flow:
        token = await flow.mailed("reset_password")
        await flow.call("POST /password/reset", token=token, new_password=PASSWORD)
        asked, told = flow.outbox.last("reset_password"), flow.outbox.last("password_changed")

    assert (asked.link, asked.token) == (None, token)
    assert (told.link, told.token, told.expires_in) == (None, None, None)


async def test_a_mail_that_fails_fails_no_request_and_its_words_are_not_logged(
    make_auth: MakeAuth, caplog: pytest.LogCaptureFixture
) -> None:
    """The client hears that all is well; the log names the kind and the error, and not what it says."""
    async with mailing(MemoryStore(), make_auth, "ada", notifier=Failing()) as flow:
        answer = await flow.call("POST /password/forgot", email="ada@example.com")

    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert answer.status_code == 202
    assert errors == ["A notification could not be sent: reset_password, OSError"]
    assert "ada@example.com" not in "".join(errors)


async def test_a_mail_that_hangs_is_given_up(make_auth: MakeAuth, caplog: pytest.LogCaptureFixture) -> None:
    """A notifier has its time, and no more."""
    links = LinkSettings(timeout=timedelta(milliseconds=10))
    async with mailing(MemoryStore(), make_auth, "ada", notifier=Hanging(), links=links) as flow:
        await flow.call("POST /password/forgot", email="ada@example.com")

    assert "reset_password, TimeoutError" in caplog.text


async def test_a_mail_too_many_is_left_out_and_undoes_nothing(
    make_auth: MakeAuth, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where too much is waiting, what was done is done, and the log says which mail was left out."""
    async with mailing(MemoryStore(), make_auth, "ada") as flow:
        monkeypatch.setattr(background, "_MOST", 0)
        ada = await flow.auth.accounts.find("ada")
        assert ada is not None
        await flow.auth.accounts.delete(ada.id)

        assert await flow.auth.accounts.find("ada") is None
        assert "left out, too much is waiting: account_deleted" in caplog.text
        assert flow.outbox.told() == []
        full = await flow.client.post("/password/forgot", json={"email": "ada@example.com"})
        assert full.status_code == 503


async def test_without_a_notifier_nothing_is_mailed_and_what_needs_a_mail_says_so(make_auth: MakeAuth) -> None:
    """The flows that cannot work without a mail are a mistake of the app; the others go on in silence."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    ada = await make(auth, "ada")

    await auth.accounts.request_verification(ada)
    for flow in (
        auth.accounts.forgot_password("ada@example.com"),
        auth.accounts.request_email_change(ada.id, "new@example.com", PASSWORD),
    ):
        with pytest.raises(ConfigurationError, match="needs a notifier"):
            await flow
    with pytest.raises(ConfigurationError, match="needs a notifier"):
        auth.accounts.forgot_password_later("ada@example.com")
    await auth.accounts.delete(ada.id)
    await settle(auth)

    assert await auth.accounts.list() == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"base_url": "app.example.com"}, "base_url"),
        ({"base_url": "ftp://app.example.com"}, "base_url"),
        ({"base_url": "https://"}, "base_url"),
        ({"base_url": "https://app.example.com?next=x"}, "base_url"),
        ({"base_url": "https://app.example.com#x"}, "base_url"),
        ({"base_url": ""}, "base_url"),
        ({"enumeration_safe": True, "notifier": None}, "enumeration_safe"),
    ],
)
def test_what_no_mail_can_do_is_refused(make_auth: MakeAuth, options: dict[str, Any], named: str) -> None:
    """An address that no link can begin with, or answers that only a mail completes, are refused at once."""
    with pytest.raises(ConfigurationError, match=named):
        make_auth(MemoryStore(), **{"notifier": Outbox(), **options})
