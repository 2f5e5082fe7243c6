"""A ``FastAuth`` that is ready for a test."""

import secrets
from typing import Any

from fastauth.auth import FastAuth
from fastauth.backends.memory import MemoryStore, User
from fastauth.testing.outbox import Outbox
from fastauth.testing.passwords import CHEAP_PASSWORDS


def memory_auth(**options: Any) -> FastAuth[User]:
    """Return a ``FastAuth`` in memory: hashing is cheap, nothing is limited, and mails go to an outbox.

    Args:
        options: Those of :class:`~fastauth.FastAuth`, instead of these or besides.
    """
    ready: dict[str, Any] = {
        "secret_key": secrets.token_urlsafe(32),
        "passwords": CHEAP_PASSWORDS,
        "limits": None,
        "notifier": Outbox(),
        "production": False,
    }
    return FastAuth(MemoryStore(), **{**ready, **options})
