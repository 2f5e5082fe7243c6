"""The words of the mails: each kind has them, an app replaces them, and nothing in them breaks out."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from fastauth import ConfigurationError, NotificationKind
from fastauth.notifiers.mail import MailTemplates, in_words
from tests.notifiers.mails import ASKING, LINK, TOKEN, notification

TEMPLATES = MailTemplates(service_name="Ada & Co", support="help@example.com")
KINDS = list(NotificationKind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words(kind: NotificationKind) -> None:
    """A mail of each kind has a subject of one line, a text and an HTML page, and names the service in all three."""
    mail = TEMPLATES.render(notification(kind))

    assert "Ada & Co" in mail.subject
    assert "\n" not in mail.subject
    assert "Ada & Co" in mail.text
    assert "Ada &amp; Co" in mail.html
    assert "help@example.com" in mail.text
    assert not re.search(r"\{[{%]|\bNone\b", mail.subject + mail.text + mail.html)


@pytest.mark.parametrize("kind", KINDS)
def test_the_link_is_where_something_is_asked(kind: NotificationKind) -> None:
    """Who has to act gets the link, in text and as a button, and is told how long it works; nobody else gets one."""
    mail = TEMPLATES.render(notification(kind))

    asks = kind in ASKING
    assert (LINK in mail.text, "24 hours" in mail.text) == (asks, asks)
    assert (LINK.replace("&", "&amp;") in mail.html, "24 hours" in mail.html) == (asks, asks)


@pytest.mark.parametrize("kind", sorted(ASKING))
def test_without_a_page_for_the_link_the_token_is_shown(kind: NotificationKind) -> None:
    """An app that has no page for a link gets the token itself into its mails, to be typed in."""
    mail = TEMPLATES.render(notification(kind, link=None, expires_in=None))

    assert TOKEN in mail.text
    assert TOKEN in mail.html
    assert "It works for" not in mail.text


@pytest.mark.parametrize(
    "kind",
    [
        NotificationKind.VERIFY_EMAIL,
        NotificationKind.CONFIRM_EMAIL_CHANGE,
        NotificationKind.ALREADY_REGISTERED,
        NotificationKind.USERNAME_TAKEN,
        NotificationKind.REGISTRATION_REFUSED,
    ],
)
def test_a_stranger_puts_no_words_into_a_mail(kind: NotificationKind) -> None:
    """What goes to an address that its owner has not confirmed repeats no username, which could be an advertisement."""
    mail = TEMPLATES.render(notification(kind, username="win.example.net/now"))

    assert "win.example.net" not in mail.subject + mail.text + mail.html


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_text_in_html(kind: NotificationKind) -> None:
    """No value becomes markup."""
    mail = TEMPLATES.render(notification(kind, username="<b>x</b>", new_email="<i>@example.com"))

    assert "<b>" not in mail.html
    assert "<i>" not in mail.html


def test_no_mail_loads_anything() -> None:
    """Opening a mail tells nobody that it was opened: no image, no style sheet, no font from elsewhere."""
    pages = "".join(TEMPLATES.render(notification(kind)).html for kind in KINDS)

    assert not re.search(r"<img|<link|<script|url\(|@import|src=", pages)
    assert pages.count("prefers-color-scheme: dark") == len(KINDS)


def test_without_support_there_is_no_sentence_about_it() -> None:
    """Where nobody is named, no mail says whom to ask."""
    templates = MailTemplates(service_name="Shop")

    assert not any(
        "Questions?" in mail.html or "tell us" in mail.text
        for mail in (templates.render(notification(kind)) for kind in KINDS)
    )


def test_an_app_replaces_a_file_and_adds_values(tmp_path: Path) -> None:
    """A file of the app's own is taken before ours, with the app's own values; the other files stay."""
    (tmp_path / "verify_email").mkdir()
    (tmp_path / "verify_email" / "subject.txt").write_text(
        "Willkommen bei {{ service_name }}\n  in {{ city }}\n", "utf-8"
    )
    templates = MailTemplates(service_name="Shop", folder=tmp_path, context={"city": "Köln"}, accent="#00aa00")

    verify = templates.render(notification(NotificationKind.VERIFY_EMAIL))
    reset = templates.render(notification(NotificationKind.RESET_PASSWORD))

    assert verify.subject == "Willkommen bei Shop in Köln"
    assert "Confirm the address" in verify.html
    assert "#00aa00" in verify.html
    assert reset.subject == "Choose a new password for Shop"


def test_a_broken_template_is_told_at_the_start(tmp_path: Path) -> None:
    """A template that cannot be read, or a folder that is not there, fails when the templates are made."""
    (tmp_path / "verify_email").mkdir()
    (tmp_path / "verify_email" / "body.txt").write_text("Hello\n{% if link %}", "utf-8")

    with pytest.raises(ConfigurationError, match=r"verify_email/body\.txt, line 2"):
        MailTemplates(service_name="Shop", folder=tmp_path)
    with pytest.raises(ConfigurationError, match="not a folder"):
        MailTemplates(service_name="Shop", folder=tmp_path / "nowhere")


def test_the_representation_of_a_mail_shows_no_link() -> None:
    """A mail in a log line gives nobody a way in."""
    assert TOKEN not in repr(TEMPLATES.render(notification(NotificationKind.RESET_PASSWORD)))


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=5), "1 minute"),
        (timedelta(minutes=30), "30 minutes"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=48), "2 days"),
    ],
)
def test_a_span_is_said_in_words(span: timedelta, words: str) -> None:
    """How long a link works is said as people say it."""
    assert in_words(span) == words
