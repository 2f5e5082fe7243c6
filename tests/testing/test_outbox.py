"""The outbox of tests: what was sent, in order, and found again."""

import pytest

from fastauth import NotificationKind
from fastauth.testing import Outbox
from tests.notifiers.mails import notification

VERIFY, RESET = NotificationKind.VERIFY_EMAIL, NotificationKind.RESET_PASSWORD


async def test_the_outbox_keeps_what_was_sent_in_order() -> None:
    """It is as long as what was sent, gives it oldest first, and forgets it when told to."""
    outbox = Outbox()
    sent = [notification(VERIFY), notification(RESET), notification(VERIFY, to="eve@example.com")]
    for each in sent:
        await outbox.notify(each)

    assert list(outbox) == sent
    assert len(outbox) == 3
    outbox.clear()
    assert list(outbox) == []


async def test_the_latest_is_found_by_address_and_kind() -> None:
    """The last one that fits is returned; where none does, the error says what there is, without its token."""
    outbox = Outbox()
    first, second = notification(VERIFY), notification(RESET, to="eve@example.com")
    for each in (first, second):
        await outbox.notify(each)

    assert outbox.latest() is outbox.latest(to="eve@example.com") is outbox.latest(kind="reset_password") is second
    assert outbox.latest(to="ada@example.com") is outbox.latest(kind=VERIFY) is first
    with pytest.raises(LookupError, match=r"eve@example\.com; the outbox holds verify_email to ada") as caught:
        outbox.latest(to="eve@example.com", kind=VERIFY)
    assert str(first.token) not in str(caught.value)
    with pytest.raises(LookupError, match="anybody; the outbox holds nothing"):
        Outbox().latest()
