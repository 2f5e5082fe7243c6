"""The console notifier: the link is the point of it."""

import io

import pytest

from fastauth import NotificationKind
from fastauth.notifiers.console import ConsoleNotifier
from tests.notifiers.mails import LINK, TOKEN, notification


@pytest.mark.parametrize(
    ("kind", "values", "lines"),
    [
        (NotificationKind.VERIFY_EMAIL, {}, [f"Link: {LINK}", "Good for: 1 day, 0:00:00"]),
        (NotificationKind.VERIFY_EMAIL, {"link": None, "expires_in": None}, [f"Token: {TOKEN}"]),
        (NotificationKind.EMAIL_CHANGED, {}, ["New address: countess@example.com"]),
        (NotificationKind.PASSWORD_CHANGED, {}, []),
    ],
)
async def test_what_would_be_mailed_is_printed(
    kind: NotificationKind, values: dict[str, None], lines: list[str]
) -> None:
    """Whom it goes to, what it is about, and the link or the token to follow."""
    stream = io.StringIO()

    await ConsoleNotifier(stream).notify(notification(kind, **values))

    assert stream.getvalue().splitlines() == [
        "--- mail",
        "To: ada@example.com",
        f"About: ada, {kind.value}",
        *lines,
        "---",
    ]


async def test_the_error_stream_of_the_moment_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream of its own it prints to the error stream, and nothing to the output."""
    await ConsoleNotifier().notify(notification(NotificationKind.ACCOUNT_DELETED))

    out, err = capsys.readouterr()
    assert out == ""
    assert "account_deleted" in err
