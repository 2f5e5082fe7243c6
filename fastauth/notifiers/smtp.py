"""Mail over SMTP: encrypted unless it is said otherwise, with a text and an HTML part. Needs the extra ``smtp``."""

import ssl
from datetime import datetime, timedelta, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Literal

import anyio

from fastauth.core.exceptions import ConfigurationError, ValidationException
from fastauth.core.identity import canonical_email
from fastauth.core.notifications import Notification
from fastauth.notifiers.mail import Mail, MailTemplates

try:
    import aiosmtplib
except ImportError as _error:
    raise ModuleNotFoundError("fastauth.notifiers.smtp needs aiosmtplib: pip install 'fastauth[smtp]'") from _error

Security = Literal["starttls", "tls", "none"]
_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


class SMTPNotifier:
    """Sends notifications by mail, each over a connection of its own.

    Args:
        host: The server.
        sender: The address that the mails come from.
        templates: The words.
        sender_name: The name beside the address; by default none.
        port: By default 587 for ``starttls``, 465 for ``tls``, 25 for ``none``.
        username: For servers that want a sign-in.
        password: For servers that want a sign-in.
        security: ``starttls`` (the connection must become encrypted before anything is sent), ``tls`` (it is from the
            start), or ``none`` (it never is: for a relay on this machine, and never with a password).
        timeout: For one mail, from the connection to the server's receipt; seconds, or a ``timedelta``.
        tls_context: Whom to trust, such as a certificate authority of your own; by default what the system trusts.

    Raises:
        ConfigurationError: Something cannot work, or is not safe.
    """

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        templates: MailTemplates,
        sender_name: str = "",
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        security: Security = "starttls",
        timeout: float | timedelta = 10,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        if security not in _PORTS:
            raise ConfigurationError("SMTPNotifier(security=...) is 'starttls', 'tls' or 'none'.")
        if (username is None) != (password is None):
            raise ConfigurationError("SMTPNotifier(username=..., password=...) go together: give both, or neither.")
        if password is not None and security == "none":
            raise ConfigurationError("SMTPNotifier(security='none') would send the password in the clear.")
        if tls_context is not None and (not tls_context.check_hostname or tls_context.verify_mode != ssl.CERT_REQUIRED):
            raise ConfigurationError(
                "SMTPNotifier(tls_context=...) does not check certificates; make it with ssl.create_default_context()."
            )
        self.host = host
        self.port: int = port or _PORTS[security]
        self._sender = _address(sender, sender_name)
        self._templates = templates
        self._credentials = (username, password)
        self._security = security
        self._timeout = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
        self._tls_context = tls_context

    def __repr__(self) -> str:
        sender = str(self._sender)
        return f"SMTPNotifier({self.host!r}, port={self.port}, security={self._security!r}, sender={sender!r})"

    async def notify(self, notification: Notification, /) -> None:
        """Send the mail.

        Raises:
            TimeoutError: The server did not take it in time.
            SMTPException: The server refused it, or is not who it should be.
            OSError: The server cannot be reached.
        """
        message = self.compose(notification.to, self._templates.render(notification))
        username, password = self._credentials
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=username,
            password=password,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=self._tls_context or ssl.create_default_context(),
            timeout=self._timeout,
        )
        try:
            with anyio.fail_after(self._timeout):
                async with client:
                    await client.send_message(message)
        finally:
            client.close()  # also where the time was over before the server said goodbye

    def compose(self, to: str, mail: Mail) -> EmailMessage:
        """Return the message with its headers and its two parts.

        Raises:
            ValueError: An address or the subject cannot stand in a header; nothing can add a header of its own.
        """
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        local, _, domain = to.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(datetime.now(timezone.utc))
        message["Message-ID"] = make_msgid(domain=self._sender.domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(mail.text, cte="quoted-printable")
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        return message


def _address(sender: str, name: str) -> Address:
    try:
        local, _, domain = canonical_email(sender).rpartition("@")
        return Address(display_name=name, username=local, domain=domain)
    except (ValidationException, ValueError) as error:
        raise ConfigurationError(f"SMTPNotifier(sender={sender!r}) is not an e-mail address with a name.") from error
