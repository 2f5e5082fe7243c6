"""The pytest plugin of FastAuth: fixtures for tests of an app.

A package of its own, since pytest imports a plugin in every run: this one imports nothing of FastAuth before a test
asks for a fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastauth import FastAuth
    from fastauth.backends.memory import User
    from fastauth.testing import ManualClock, Outbox


@pytest.fixture
def fastauth_clock() -> ManualClock:
    """A clock that stands until the test moves it."""
    from fastauth.testing import ManualClock

    return ManualClock()


@pytest.fixture
def fastauth_outbox() -> Outbox:
    """A notifier that keeps what would have been sent."""
    from fastauth.testing import Outbox

    return Outbox()


@pytest.fixture
def fastauth_memory(fastauth_clock: ManualClock, fastauth_outbox: Outbox) -> FastAuth[User]:
    """A ``FastAuth`` in memory with cheap hashing, on ``fastauth_clock``, which mails to ``fastauth_outbox``."""
    from fastauth.testing import memory_auth

    return memory_auth(clock=fastauth_clock, notifier=fastauth_outbox)
