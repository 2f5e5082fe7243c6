"""Mail over SMTP, received by a real server: encrypted, signed in, well-formed, and in time."""

import asyncio
import re
import ssl
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiosmtplib
import pytest

from fastauth import ConfigurationError, NotificationKind
from fastauth.notifiers.mail import Mail, MailTemplates
from fastauth.notifiers.smtp import SMTPNotifier
from tests.notifiers.conftest import SECRET, USER, Serve
from tests.notifiers.mails import LINK, TOKEN, notification

TEMPLATES = MailTemplates(service_name="Shop")


def notifier(port: int = 25, **options: Any) -> SMTPNotifier:
    return SMTPNotifier(
        "localhost", **{"port": port, "sender": "No-Reply@Shop.example", "templates": TEMPLATES, **options}
    )


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_mail_arrives(security: str, serve: Serve, trusting: ssl.SSLContext) -> None:
    """A mail arrives as text and as HTML, with its headers, over a connection as secure as it was asked for."""
    async with serve(security) as mailbox:
        await notifier(mailbox.port, security=security, tls_context=trusting, sender_name="Adas Lädchen").notify(
            notification(NotificationKind.RESET_PASSWORD)
        )

    message = mailbox.message()
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert LINK in text.get_content()
    assert LINK.replace("&", "&amp;") in html.get_content()
    assert message["From"] == "Adas Lädchen <no-reply@shop.example>"
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == "Choose a new password for Shop"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[^<>@\s]+@shop\.example>", message["Message-ID"])
    assert parsedate_to_datetime(message["Date"]).utcoffset() == timedelta(0)
    assert mailbox.envelopes[0].rcpt_tos == ["ada@example.com"]
    assert (mailbox.sessions[0].ssl is not None) is (security == "starttls")


async def test_the_sign_in_is_done_after_the_encryption(serve: Serve, trusting: ssl.SSLContext) -> None:
    """A server that wants a sign-in gets name and password; with a wrong one, nothing is sent."""
    async with serve("starttls", sign_in=True) as mailbox:
        options: dict[str, Any] = {"tls_context": trusting, "username": USER}
        await notifier(mailbox.port, password=SECRET, **options).notify(notification(NotificationKind.VERIFY_EMAIL))
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as caught:
            await notifier(mailbox.port, password="wrong", **options).notify(
                notification(NotificationKind.VERIFY_EMAIL)
            )

    assert len(mailbox.envelopes) == 1
    assert "wrong" not in repr(caught.value)


async def test_a_server_without_encryption_gets_nothing(serve: Serve, trusting: ssl.SSLContext) -> None:
    """Where encryption was asked for and the server offers none, no mail goes out."""
    async with serve("none") as mailbox:
        with pytest.raises(aiosmtplib.SMTPException):
            await notifier(mailbox.port, tls_context=trusting).notify(notification(NotificationKind.RESET_PASSWORD))

    assert mailbox.envelopes == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_is_not_who_it_should_be_gets_nothing(
    security: str, serve: Serve, trusting: ssl.SSLContext
) -> None:
    """A certificate of another name, or of an authority that nobody here trusts, ends the connection."""
    async with serve(security, name="other.example") as another, serve(security) as unknown:
        for mailbox, context in ((another, trusting), (unknown, None)):
            with pytest.raises((aiosmtplib.SMTPException, ssl.SSLError)):
                await notifier(mailbox.port, security=security, tls_context=context).notify(
                    notification(NotificationKind.RESET_PASSWORD)
                )
            assert mailbox.envelopes == []


async def test_a_server_that_hangs_is_given_up() -> None:
    """A server that accepts the connection and says nothing costs the time-out and no more."""
    hung_up = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()  # until the client hangs up, gently or not
        finally:
            writer.close()
            hung_up.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises((TimeoutError, aiosmtplib.SMTPException)):
        await notifier(port, security="none", timeout=timedelta(milliseconds=500)).notify(
            notification(NotificationKind.ACCOUNT_DELETED)
        )
    await asyncio.wait_for(hung_up.wait(), timeout=10)
    server.close()


async def test_addresses_beyond_ascii_arrive(serve: Serve) -> None:
    """A local part beyond ASCII goes out by SMTPUTF8, and a domain beyond ASCII in its ASCII form."""
    async with serve("none") as mailbox:
        await notifier(mailbox.port, security="none", sender="Grüße@Bücher.example", sender_name="Bücher").notify(
            notification(NotificationKind.EMAIL_CHANGED, to="жук@xn--bcher-kva.example")
        )

    assert mailbox.envelopes[0].rcpt_tos == ["жук@xn--bcher-kva.example"]
    assert mailbox.message()["To"] == "жук@xn--bcher-kva.example"
    assert "From: Bücher <grüsse@xn--bcher-kva.example>\r\n".encode() in mailbox.envelopes[0].original_content
    assert mailbox.envelopes[0].smtp_utf8


@pytest.mark.parametrize("part", ["ada\r\nBcc: eve@example.com", "ada\nBcc", "ada\rBcc"])
def test_nothing_adds_a_header(part: str) -> None:
    """A line break in an address or a subject is an error, and never a header of somebody else's."""
    mail = Mail("Subject", "text", "html")

    for to in (f"{part}@example.com", f"ada@{part}"):
        with pytest.raises(ValueError, match=r"CR|linefeed"):
            notifier().compose(to, mail)
    with pytest.raises(ValueError, match="linefeed"):
        notifier().compose("ada@example.com", Mail(part, "text", "html"))
    with pytest.raises(ConfigurationError, match="sender"):
        notifier(sender_name=part)


@pytest.mark.parametrize("to", ["ada@example.com, eve@example.com", "a<eve@example.com>@b.co", "a;b@c.co", "a,b@c.co"])
def test_one_address_stays_one_address(to: str) -> None:
    """Whatever stands in an address, a mail has one recipient or none."""
    try:
        message = notifier().compose(to, Mail("Subject", "text", "html"))
    except ValueError:
        return

    assert len(message["To"].addresses) == 1


def test_the_ports_are_those_of_the_way() -> None:
    """Without a port, each way has its own."""
    ports = [
        SMTPNotifier("mail.example", sender="a@b.co", templates=TEMPLATES, security=way).port
        for way in ("starttls", "tls", "none")
    ]

    assert ports == [587, 465, 25]


UNCHECKED = ssl.create_default_context()
UNCHECKED.check_hostname = False
BLIND = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
BLIND.check_hostname = False
BLIND.verify_mode = ssl.CERT_NONE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"security": "ssl"}, "security"),
        ({"username": "mailer"}, "give both"),
        ({"password": "secret"}, "give both"),
        ({"username": "mailer", "password": "secret", "security": "none"}, "in the clear"),
        ({"tls_context": UNCHECKED}, "does not check certificates"),
        ({"tls_context": BLIND}, "does not check certificates"),
        ({"sender": "nobody"}, "sender"),
    ],
)
def test_what_is_not_safe_is_refused_when_it_is_set(options: dict[str, Any], message: str) -> None:
    """A password in the clear, an unchecked certificate and half a sign-in are told at the start."""
    with pytest.raises(ConfigurationError, match=message):
        notifier(**options)


def test_the_representation_shows_no_password() -> None:
    """In a log line a notifier shows its server and sender, and neither password nor words."""
    shown = repr(notifier(username=USER, password=SECRET))

    assert shown == "SMTPNotifier('localhost', port=25, security='starttls', sender='no-reply@shop.example')"
    assert TOKEN not in shown
