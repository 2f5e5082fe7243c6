"""What may become a password: long enough, not a common one, not the account's own name, not known from a breach."""

import hashlib
import hmac
import logging
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import anyio

from fastauth.core.exceptions import ErrorDetail, PasswordReason, ValidationException, WeakPasswordException
from fastauth.core.settings import LONGEST_SPELLING, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, PasswordSettings

logger: logging.Logger = logging.getLogger("fastauth")

_SURROGATES = re.compile(r"[\ud800-\udfff]")
_PRODUCTION_MIN_LENGTH = 15  # NIST SP 800-63B-4, 3.1.1.2: a password that is the only factor
_BREACH_PREFIX = 5  # hexadecimal digits of the SHA-1: what a range query tells about the password
_BREACH_TIMEOUT = 3.0  # seconds
# Whoever types along these types no secret, and no list is long enough to hold every start and length of it.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUNS = (*_ROWS, "".join(_ROWS), "1234567890", "0123456789", "abcdefghijklmnopqrstuvwxyz")
_DETAIL_TYPES: Mapping[PasswordReason, str] = {
    "too_short": "password_too_short",
    "too_long": "password_too_long",
    "common": "password_blocked",
    "personal": "password_personal",
    "breached": "password_breached",
}


class PasswordPolicy:
    """Judges passwords that are about to be set (NIST SP 800-63B-4, 3.1.1.2); nobody is judged at sign-in.

    There are no rules about kinds of characters. Passwords are compared whole, in NFC and case-folded, with what is
    refused: a longer password that holds a refused one is good.

    Args:
        settings: The lengths, what else is refused, and the check against breaches.
        production: Whether the minimum is that of production where none is set.
    """

    def __init__(self, settings: PasswordSettings, *, production: bool) -> None:
        self.min_length: int = settings.min_length or (_PRODUCTION_MIN_LENGTH if production else MIN_PASSWORD_LENGTH)
        self._service_name = _folded(settings.service_name or "")
        self._blocklist = frozenset(map(_folded, settings.blocklist))
        self._breach_check = settings.breach_check

    def check(self, password: str, *, username: str = "", email: str = "") -> None:
        """Judge a password by everything that needs no I/O.

        Args:
            password: In the clear.
            username: Of the account that it is for.
            email: Of the account that it is for.

        Raises:
            WeakPasswordException: It does not meet the policy; the exception's ``reason`` says why.
            ValidationException: It holds half of a surrogate pair, which is no character.
        """
        if _SURROGATES.search(password):
            raise ValidationException.of("password", "The password has a character that is not valid Unicode.")
        # What is too long in every spelling is not worth the work.
        length = len(password if len(password) > LONGEST_SPELLING else unicodedata.normalize("NFC", password))
        if length < self.min_length:
            raise _weak("too_short", f"The password needs at least {self.min_length} characters.")
        if length > MAX_PASSWORD_LENGTH:
            raise _weak("too_long", f"The password may have at most {MAX_PASSWORD_LENGTH} characters.")
        folded = _folded(password)
        if folded in {self._service_name, *map(_folded, (username, email, email.rpartition("@")[0]))}:
            raise _weak("personal", "The password may not be your name, your address or the name of this service.")
        if folded in self._blocklist or folded in common_passwords() or _is_run(folded):
            raise _weak("common", "This password is among the first that are guessed. Choose another one.")

    async def judge(self, password: str, *, username: str = "", email: str = "") -> None:
        """Judge a password as :meth:`check` does, and ask whether it is known from a breach.

        Raises:
            WeakPasswordException: It does not meet the policy; the exception's ``reason`` says why.
            ValidationException: It holds half of a surrogate pair, which is no character.
        """
        self.check(password, username=username, email=email)
        if await self._is_breached(password):
            raise _weak("breached", "This password is known from a data breach elsewhere. Choose another one.")

    async def _is_breached(self, password: str) -> bool:
        if self._breach_check is None:
            return False
        text = unicodedata.normalize("NFC", password).encode()
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest().upper()
        prefix, rest = digest[:_BREACH_PREFIX], digest[_BREACH_PREFIX:]
        try:
            with anyio.fail_after(_BREACH_TIMEOUT):
                answer = await self._breach_check(prefix)
            return any(_names(line, rest) for line in answer.splitlines())
        except Exception as error:  # noqa: BLE001  # nobody is locked out because somebody else's service is down
            # The error's own words may hold the address that was asked, and with it a part of the digest.
            why = type(error).__name__
            logger.warning("The check for breached passwords failed (%s); a password was accepted without it.", why)
            return False


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Return the shipped list: some 16,000 passwords of eight characters and more, read at the first use."""
    text = (resources.files("fastauth.core") / "data" / "common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def _weak(reason: PasswordReason, message: str) -> WeakPasswordException:
    detail = ErrorDetail(loc=["body", "password"], msg=message, type=_DETAIL_TYPES[reason])
    return WeakPasswordException(message, details=[detail], reason=reason)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_run(folded: str) -> bool:
    """Say whether this is one key again and again, or a straight line over a keyboard or the alphabet."""
    if not folded.isascii():
        return False
    forward, backward = folded, folded[::-1]
    times = len(folded) // min(map(len, _RUNS)) + 2
    return len(set(folded)) == 1 or any(forward in run * times or backward in run * times for run in _RUNS)


def _names(line: str, rest: str) -> bool:
    """Say whether a line of a range answer, ``digest:count``, names this digest; padding has the count 0."""
    digest, _, count = line.strip().partition(":")
    return hmac.compare_digest(digest.upper().encode(), rest.encode()) and int(count) > 0
