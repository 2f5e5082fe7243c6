"""What a key is made of, once it has been judged; keys of two halves are judged in ``core/asymmetric.py``."""

import hashlib
import hmac
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.later import Later

if TYPE_CHECKING:
    import jwt
    from jwt.algorithms import Algorithm as SigningAlgorithm
else:
    jwt = Later("jwt")  # it loads cryptography where that is installed: with the first key is early enough

Algorithm: TypeAlias = Literal["HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"]

ALGORITHMS: tuple[str, ...] = get_args(Algorithm)
MIN_BYTES: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: as long as the hash
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
_MIN_ENTROPY_BITS = 96.0
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "secret", "password", "example", "insecure", "your-", "your_")
_WORDS = re.compile(rb"[A-Z]?[a-z]+(?:[ _.,!?'-]+[A-Z]?[a-z]+)*[ _.,!?'-]*[0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Material:
    """A key in the form that its one algorithm takes.

    Attributes:
        verifying: What verifies: the secret, or the public half.
        signing: What signs: the secret, or the private half; None where only the public half is known.
        secret: The bytes that nobody else knows; None where only the public half is known.
        name: Made from the key, the same at every start, and another for every key.
        public: The public half as a JWK; None for a symmetric key, which has none.
        weakness: What makes the key guessable, in words, or None.
    """

    algorithm: str
    verifying: Any
    signing: Any = None
    secret: bytes | None = None
    name: str
    public: Mapping[str, str] | None = field(default=None)
    weakness: str | None = None


def check_algorithm(algorithm: object) -> None:
    """Refuse what is not the name of one algorithm of ours.

    Raises:
        ConfigurationError: It is another name, or several.
    """
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ConfigurationError(f"algorithm={algorithm!r} is not supported; use one of {', '.join(ALGORITHMS)}.")


def algorithm_of(name: str) -> "SigningAlgorithm":
    """Return what signs and verifies by this algorithm, of those of ours."""
    return jwt.get_algorithm_by_name(name)


def symmetric(secret: bytes, algorithm: str) -> Material:
    """Return the material of a key that both signs and verifies.

    Raises:
        ConfigurationError: It is too short, or a key of another kind.
    """
    if len(secret) < MIN_BYTES[algorithm]:
        raise ConfigurationError(
            f"A key for {algorithm} needs at least {MIN_BYTES[algorithm]} bytes, and this one has {len(secret)}. "
            f"Make one with: {HOW_TO_MAKE_ONE}"
        )
    try:
        prepared: Any = algorithm_of(algorithm).prepare_key(secret)
    except jwt.InvalidKeyError:  # whoever has the public half could sign with it (RFC 8725, 2.1)
        raise ConfigurationError(
            f"This is no secret for {algorithm} but an asymmetric key, a certificate or a JWK: name its own algorithm, "
            "or use Key.from_pem(...) or Key.from_jwk(...)."
        ) from None
    return Material(
        algorithm=algorithm,
        verifying=prepared,
        signing=prepared,
        secret=secret,
        name=derive(secret, b"fastauth kid").hex()[:16],
        weakness=_weakness(secret),
    )


def derive(secret: bytes, label: bytes) -> bytes:
    """Return a key for another use; it says nothing about the secret, nor about keys with other labels."""
    return hmac.new(secret, label, hashlib.sha256).digest()


def _weakness(secret: bytes) -> str | None:
    text = secret.decode("utf-8", "replace").lower()
    if any(placeholder in text for placeholder in _PLACEHOLDERS):
        return "it reads like a placeholder"
    period = (secret + secret).index(secret, 1)
    if _entropy_bits(secret[:period]) < _MIN_ENTROPY_BITS:
        return "its characters repeat too much to be random"
    if _WORDS.fullmatch(secret):
        return "it reads like words, not like random characters"
    if sum(after - before in {0, 1, -1} for before, after in pairwise(secret)) > len(secret) / 2:
        return "its characters are in order"
    return None


def _entropy_bits(key: bytes) -> float:
    counts = Counter(key)
    return -sum(count * math.log2(count / len(key)) for count in counts.values())
