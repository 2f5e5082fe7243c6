"""Hashers to put in the place of bcrypt: one that is watched, and one of another kind."""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable

from fastauth.core.hashers import BcryptHasher


class WatchedHasher(BcryptHasher):
    """bcrypt at its lowest cost, which notes what is computed and where.

    Args:
        during: Called in the worker thread with the password, before each computation.
    """

    def __init__(self, during: Callable[[str], object] = lambda password: None) -> None:
        super().__init__(4)
        self.computed: list[str] = []
        self.threads: set[int] = set()
        self._during = during

    def hash(self, password: str) -> str:
        self._note("hash", password)
        return super().hash(password)

    def verify(self, password: str, stored: str) -> bool:
        self._note("verify", password)
        return super().verify(password, stored)

    def _note(self, what: str, password: str) -> None:
        self.computed.append(what)
        self.threads.add(threading.get_ident())
        self._during(password)


class ScryptHasher:
    """scrypt from the standard library, in a format of its own."""

    def recognizes(self, stored: str) -> bool:
        return stored.startswith("$toy-scrypt$")

    def hash(self, password: str) -> str:
        return self._hash(password, secrets.token_hex(8))

    def verify(self, password: str, stored: str) -> bool:
        return hmac.compare_digest(self._hash(password, stored.split("$")[2]), stored)

    def needs_rehash(self, stored: str) -> bool:
        return False

    def decoy(self) -> str:
        return f"$toy-scrypt${secrets.token_hex(8)}${base64.b64encode(secrets.token_bytes(32)).decode()}"

    def _hash(self, password: str, salt: str) -> str:
        digest = hashlib.scrypt(password.encode(), salt=salt.encode(), n=16, r=8, p=1, dklen=32)
        return f"$toy-scrypt${salt}${base64.b64encode(digest).decode()}"
