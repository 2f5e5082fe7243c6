"""Argon2id, by ``argon2-cffi``; ``pip install 'fastauth[argon2]'``."""

import secrets

try:
    import argon2
except ImportError as _error:
    raise ModuleNotFoundError("Argon2Hasher needs argon2-cffi: pip install 'fastauth[argon2]'") from _error

_KINDS = ("$argon2id$", "$argon2i$", "$argon2d$")


class Argon2Hasher:
    """Makes Argon2id hashes, and verifies those of other apps, such as the ones that fastapi-users and pwdlib made.

    It is for ``PasswordSettings(verifies=[Argon2Hasher()])``, where users bring such hashes with them and get ours when
    they sign in; or for ``PasswordSettings(hasher=Argon2Hasher())``, where new hashes are to be of this kind.

    Args:
        time_cost: How many passes.
        memory_cost: KiB that one hash takes.
        parallelism: How many lanes.
    """

    def __init__(self, *, time_cost: int = 3, memory_cost: int = 65_536, parallelism: int = 4) -> None:
        self._hasher = argon2.PasswordHasher(time_cost, memory_cost, parallelism)

    def recognizes(self, stored: str) -> bool:
        """Say whether ``stored`` is an Argon2 hash."""
        if not stored.startswith(_KINDS):
            return False
        try:
            argon2.extract_parameters(stored)
        except (argon2.exceptions.InvalidHashError, ValueError):
            return False
        return True

    def hash(self, password: str) -> str:
        """Return a new hash with a fresh salt."""
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def verify(self, password: str, stored: str) -> bool:
        """Say whether the password made this hash."""
        try:
            return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def needs_rehash(self, stored: str) -> bool:
        """Say whether the hash has other costs."""
        return self._hasher.check_needs_rehash(stored)

    def decoy(self) -> str:
        """Return a hash of the same costs that no password makes."""
        return self._hasher.hash(secrets.token_bytes(32))
