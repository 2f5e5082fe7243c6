"""A real SMTP server on a loopback port, and a certificate authority made for the test."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

USER, SECRET = "mailer", "the-mailers-pässword"


@dataclass
class Mailbox:
    """What a server has received."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)

    async def handle_DATA(self, _: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.sessions.append(session)
        return "250 OK"

    def message(self) -> EmailMessage:
        [envelope] = self.envelopes
        return message_from_bytes(envelope.original_content, policy=SMTPUTF8)


Serve = Callable[..., AbstractAsyncContextManager[Mailbox]]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whom the tests trust."""
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the authority of the tests."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve(authority: trustme.CA) -> Serve:
    """Start a server: ``tls`` from the start, ``starttls`` on request, or plain; with a sign-in or without."""

    @asynccontextmanager
    async def start(security: str, *, name: str = "localhost", sign_in: bool = False) -> AsyncGenerator[Mailbox, None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        mailbox = Mailbox()

        def check(*values: Any) -> AuthResult:
            given = values[-1]
            assert isinstance(given, LoginPassword)
            right = (given.login, given.password) == (USER.encode(), SECRET.encode())
            return AuthResult(success=right, handled=False)

        def protocol() -> SMTP:
            return SMTP(
                mailbox,
                loop=asyncio.get_running_loop(),
                enable_SMTPUTF8=True,
                tls_context=context if security == "starttls" else None,
                require_starttls=security == "starttls",
                authenticator=check if sign_in else None,
                auth_required=sign_in,
                auth_require_tls=security == "starttls",
            )

        tls = context if security == "tls" else None
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
        mailbox.port = server.sockets[0].getsockname()[1]
        try:
            yield mailbox
        finally:
            server.close()

    return start
