"""The one place where passwords are hashed and verified: off the event loop, and with a decoy for nobody."""

import os
import time
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.hashers import BcryptHasher
from fastauth.core.hashing_threads import HashingThreads
from fastauth.core.password_policy import PasswordPolicy
from fastauth.core.protocols import PasswordHasher
from fastauth.core.settings import LONGEST_SPELLING, PasswordSettings
from fastauth.core.telemetry import SILENT, Telemetries

_T = TypeVar("_T")
_Work: TypeAlias = Literal["hash", "verify"]

_PRODUCTION_MIN_COST = 10  # OWASP Password Storage Cheat Sheet
_SECONDS_PER_ROUND = 6e-5  # of bcrypt, more or less; the first computations tell better


class Verification(NamedTuple):
    """The outcome of one comparison.

    Attributes:
        ok: Whether the password made the stored hash.
        new_hash: A hash of the same password to store instead, when the old one is plain, foreign or of another cost.
    """

    ok: bool
    new_hash: str | None = None


class Passwords:
    """Hashes and verifies passwords, and holds the policy that judges them.

    Args:
        settings: The policy and the hasher.
        production: Whether to apply the stricter floors of production.
        telemetry: Is told how long each password waited and took.
    """

    def __init__(self, settings: PasswordSettings, *, production: bool, telemetry: Telemetries = SILENT) -> None:
        if production and settings.hasher is None and settings.bcrypt_cost < _PRODUCTION_MIN_COST:
            raise ConfigurationError(
                f"PasswordSettings(bcrypt_cost={settings.bcrypt_cost}) is too cheap for production; "
                f"use at least {_PRODUCTION_MIN_COST}."
            )
        self._telemetry = telemetry
        self.policy: PasswordPolicy = PasswordPolicy(settings, production=production)
        bcrypt_hasher = BcryptHasher(settings.bcrypt_cost)
        self._hasher: PasswordHasher = settings.hasher or bcrypt_hasher
        self._readable: tuple[PasswordHasher, ...] = (self._hasher, bcrypt_hasher, *settings.verifies)
        self._decoy = self._hasher.decoy()
        self._threads = HashingThreads(
            settings.threads or os.cpu_count() or 1,
            longest_wait=settings.queue_timeout.total_seconds(),
            usual=2**settings.bcrypt_cost * _SECONDS_PER_ROUND,
        )

    def recognizes(self, stored: str) -> bool:
        """Say whether ``stored`` is a hash that can be verified here."""
        return any(hasher.recognizes(stored) for hasher in self._readable)

    def check_load(self) -> None:
        """Let pass who would not wait for too long: a look ahead, before anything is done for a password.

        Raises:
            OverloadedException: So many passwords are waiting that another one would not be hashed in time.
        """
        self._threads.check()

    def place(self) -> AbstractContextManager[None]:
        """Let pass as :meth:`check_load` does, and expect a password from whoever is let in, until the context ends.

        Raises:
            OverloadedException: So many passwords are waiting, or expected, that another one would not be in time.
        """
        return self._threads.place()

    async def hash(self, password: str) -> str:
        """Return a new hash of the password; the caller has it checked before.

        Raises:
            OverloadedException: Too many passwords are waiting.
        """
        return await self._run("hash", lambda: self._hasher.hash(_nfc(password)))

    async def verify(self, password: str, stored: str | None) -> Verification:
        """Compare a password with a stored hash, at the cost of one hash whatever the outcome.

        Nobody's hash (None), a hash that cannot be used, and a password of a length that was never accepted are
        compared with a decoy. So the time does not tell them apart, and no caller can forget it.

        Raises:
            OverloadedException: Too many passwords are waiting, whatever this one and its hash are.
        """
        return await self._run("verify", lambda: self._verify(password, stored))

    def close(self) -> None:
        """Let go of the threads; they come back with the next password."""
        self._threads.close()

    async def _run(self, name: _Work, work: Callable[[], _T]) -> _T:
        if not self._telemetry:
            return await self._threads.run(work)
        came = time.perf_counter()

        def measure() -> tuple[_T, float, float]:
            began = time.perf_counter()
            result = work()
            return result, began - came, time.perf_counter() - began

        self._telemetry.passwords_waiting(1)
        try:
            with self._telemetry.span(f"password.{name}"):
                result, waited, worked = await self._threads.run(measure)
        finally:
            self._telemetry.passwords_waiting(-1)
        self._telemetry.password_hashed(name, waited, worked)
        return result

    def _verify(self, password: str, stored: str | None) -> Verification:
        usable = stored is not None and len(password) <= LONGEST_SPELLING and self.recognizes(stored)
        # A decoy takes the steps that a hash takes: what is around the hash can be measured, too.
        compared = stored if stored is not None and usable else self._decoy
        hasher = next((each for each in self._readable if each.recognizes(compared)), self._hasher)
        normal = _nfc(password[:LONGEST_SPELLING])
        if not hasher.verify(normal, compared) or not usable:
            return Verification(ok=False)
        if hasher is self._hasher and not hasher.needs_rehash(compared):
            return Verification(ok=True)
        return Verification(ok=True, new_hash=self._hasher.hash(normal))


def _nfc(password: str) -> str:
    # NIST SP 800-63B-4, 3.1.1.2: one form for what looks the same, and nothing else is touched.
    return unicodedata.normalize("NFC", password)
