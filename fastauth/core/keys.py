"""Signing keys: a ring, newest first. The first signs, all verify, each has a name."""

import hashlib
import hmac
import logging
import math
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import jwt

from fastauth.core.exceptions import ConfigurationError

logger = logging.getLogger("fastauth")

Algorithm: TypeAlias = Literal["HS256", "HS384", "HS512"]

_MIN_BYTES: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: as long as the hash
_MIN_ENTROPY_BITS = 96.0
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "secret", "password", "example", "insecure", "your-", "your_")
_HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
_KEY_FILE = Path(".fastauth") / "secret_key"
_ENVIRONMENT = ("FASTAUTH_SECRET_KEY", "SECRET_KEY")


class Key:
    """One signing key, for one algorithm.

    Args:
        secret: The key's bytes, or a text whose UTF-8 bytes they are; at least as long as the algorithm's hash.
        algorithm: ``HS256``, ``HS384`` or ``HS512``.
        kid: The name that tokens carry; by default it is derived from the key.

    Raises:
        ConfigurationError: The key is too short, or the algorithm is not one of these.
    """

    def __init__(self, secret: str | bytes, *, algorithm: str = "HS256", kid: str | None = None) -> None:
        if algorithm not in get_args(Algorithm):
            raise ConfigurationError(f"algorithm={algorithm!r} is not supported; use one of {', '.join(_MIN_BYTES)}.")
        if not isinstance(secret, (str, bytes)):
            raise ConfigurationError(f"A key is a text or bytes, not {type(secret).__name__}.")
        self._bytes = secret.encode() if isinstance(secret, str) else secret
        if len(self._bytes) < _MIN_BYTES[algorithm]:
            raise ConfigurationError(
                f"A key for {algorithm} needs at least {_MIN_BYTES[algorithm]} bytes, and this one has "
                f"{len(self._bytes)}. Make one with: {_HOW_TO_MAKE_ONE}"
            )
        self.algorithm = algorithm
        self.kid = kid or hmac.new(self._bytes, b"fastauth kid", hashlib.sha256).hexdigest()[:16]
        self._algorithm = jwt.get_algorithm_by_name(algorithm)
        self._prepared: Any = self._algorithm.prepare_key(self._bytes)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of the message."""
        return self._algorithm.sign(message, self._prepared)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signature is the message's, in constant time."""
        return self._algorithm.verify(message, self._prepared, signature)

    def derive(self, label: bytes) -> bytes:
        """Return a key for another use; it says nothing about this one, nor about those with other labels."""
        return hmac.new(self._bytes, label, hashlib.sha256).digest()

    @property
    def weakness(self) -> str | None:
        """What makes the key guessable, in words, or None."""
        text = self._bytes.decode("utf-8", "replace").lower()
        if any(placeholder in text for placeholder in _PLACEHOLDERS):
            return "it reads like a placeholder"
        if _entropy_bits(self._bytes) < _MIN_ENTROPY_BITS:
            return "its characters repeat too much to be random"
        return None

    def __repr__(self) -> str:
        return f"Key(kid={self.kid!r}, algorithm={self.algorithm!r})"


SecretKey: TypeAlias = str | bytes | Key
"""A key as the app gives it."""


class KeyRing:
    """Keys by name, newest first: the first signs, all verify. It never changes; a new ring is a new object.

    Args:
        keys: At least one key, each with a name of its own.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise ConfigurationError("secret_key=[] holds no key; give at least one.")
        self._keys = {key.kid: key for key in keys}
        if len(self._keys) != len(keys):
            raise ConfigurationError("Two keys of the ring have the same kid; give each key once, with its own kid.")
        self.current = keys[0]

    def get(self, kid: str) -> Key | None:
        """Return the key of this name, or None."""
        return self._keys.get(kid)

    def derive(self, label: bytes) -> Sequence[bytes]:
        """Return a key for another use from each key of the ring, newest first."""
        return [key.derive(label) for key in self]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def __repr__(self) -> str:
        return f"KeyRing({list(self)!r})"


def make_key_ring(secret_key: SecretKey | Sequence[SecretKey] | None, *, algorithm: str, production: bool) -> KeyRing:
    """Build the ring from what the app gave, or else from the environment, or else (in development) from a file.

    Args:
        secret_key: One key or several, newest first.
        algorithm: The algorithm of the keys that are given as text or bytes.
        production: Whether a missing or guessable key is refused.

    Raises:
        ConfigurationError: There is no key, or one that cannot be used.
    """
    if secret_key is None:
        secret_key = _from_environment() or _from_file(production)
    given: Sequence[SecretKey] = [secret_key] if isinstance(secret_key, (str, bytes, Key)) else secret_key
    ring = KeyRing([key if isinstance(key, Key) else Key(key, algorithm=algorithm) for key in given])
    for key in ring:
        if key.weakness is None:
            continue
        if production:
            raise ConfigurationError(
                f"The secret key cannot be used in production: {key.weakness}. Make one with: {_HOW_TO_MAKE_ONE}"
            )
        logger.warning("The secret key is guessable: %s. Production will refuse it.", key.weakness)
    return ring


def _from_environment() -> str | None:
    return next((os.environ[name] for name in _ENVIRONMENT if os.environ.get(name)), None)


def _from_file(production: bool) -> str:
    if production:
        raise ConfigurationError(
            f"Production needs a secret key: pass secret_key=... or set {_ENVIRONMENT[0]}. "
            f"Make one with: {_HOW_TO_MAKE_ONE}"
        )
    try:
        if not _KEY_FILE.exists():
            _write_key_file()
        key = _KEY_FILE.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"No secret key is set, and none can be kept in {_KEY_FILE} ({error.strerror}): set {_ENVIRONMENT[0]}."
        ) from error
    logger.warning(
        "No secret key is set; using the one kept in %s for development. Set %s before you deploy.",
        _KEY_FILE,
        _ENVIRONMENT[0],
    )
    return key


def _write_key_file() -> None:
    # Written aside and linked into place: of several processes at once one wins, and nobody reads half a key.
    folder = _KEY_FILE.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    descriptor, name = tempfile.mkstemp(dir=folder)  # created with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        os.link(name, _KEY_FILE)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def _entropy_bits(key: bytes) -> float:
    counts = Counter(key)
    return -sum(count * math.log2(count / len(key)) for count in counts.values())
