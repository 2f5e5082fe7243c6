"""Signing keys: a ring, newest first. The first signs, all verify, each has a name and one algorithm."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import anyio

from fastauth.core import asymmetric
from fastauth.core.encoding import read_json_object, unb64
from fastauth.core.exceptions import ConfigurationError, KeysUnavailableException
from fastauth.core.key_material import MIN_BYTES, Material, algorithm_of, check_algorithm, derive, symmetric
from fastauth.core.protocols import ExternalSigner

logger: logging.Logger = logging.getLogger("fastauth")

Use: TypeAlias = Literal["sign", "verify"]

_KID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_KIND_OF_JWK = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_OPERATIONS = {"sign", "verify"}
_SIGNER_TIMEOUT = 5.0


class Key:
    """One key, for one algorithm.

    Args:
        secret: For ``HS256``, ``HS384`` and ``HS512`` the key's bytes, or a text whose UTF-8 bytes they are, at least
            as long as the algorithm's hash. For the other algorithms a PEM.
        algorithm: ``HS256``, ``HS384``, ``HS512``, ``RS256``, ``PS256``, ``ES256`` or ``EdDSA``.
        kid: The name that tokens carry; by default it is derived from the key.
        use: ``"sign"`` also verifies, ``"verify"`` only verifies. By default a key signs if it can.

    Attributes:
        kid: The name that tokens carry.
        algorithm: The only algorithm that this key is used with.
        use: ``"sign"`` or ``"verify"``.

    Raises:
        ConfigurationError: The key is weak or for another algorithm or use, or the algorithm is not one of these.
    """

    def __init__(
        self, secret: str | bytes, *, algorithm: str = "HS256", kid: str | None = None, use: Use | None = None
    ) -> None:
        check_algorithm(algorithm)
        if not isinstance(secret, (str, bytes)):
            raise ConfigurationError(f"A key is a text or bytes, not {type(secret).__name__}.")
        raw = _bytes(secret)
        self._take(
            symmetric(raw, algorithm) if algorithm in MIN_BYTES else asymmetric.from_pem(raw, algorithm), kid, use
        )

    @classmethod
    def from_pem(
        cls,
        pem: str | bytes,
        *,
        algorithm: str | None = None,
        kid: str | None = None,
        use: Use | None = None,
        password: str | bytes | None = None,
        signer: ExternalSigner | None = None,
    ) -> "Key":
        """Return the key of a PEM: a private key in PKCS #8, PKCS #1 or SEC 1, or a public key.

        Args:
            pem: The text.
            algorithm: ``RS256`` or ``PS256`` for an RSA key; the others leave no choice.
            kid: The name that tokens carry; by default the key's thumbprint (RFC 7638).
            use: As for the class; a public key only verifies.
            password: What the private key is encrypted with.
            signer: Signs in place of the private key, which is kept elsewhere; the PEM is the public key then.

        Raises:
            ConfigurationError: It cannot be read, is weak, or is for another algorithm or use.
        """
        if algorithm is not None:
            check_algorithm(algorithm)
        material = asymmetric.from_pem(_bytes(pem), algorithm, password=None if password is None else _bytes(password))
        return cls._of(material, kid, use, signer)

    @classmethod
    def from_jwk(
        cls,
        jwk: Mapping[str, Any] | str,
        *,
        algorithm: str | None = None,
        kid: str | None = None,
        use: Use | None = None,
        signer: ExternalSigner | None = None,
    ) -> "Key":
        """Return the key of a JWK (RFC 7517), private or public.

        Args:
            jwk: The object, or its JSON.
            algorithm: Where the JWK has no ``alg`` and its kind leaves a choice.
            kid: Instead of the JWK's own ``kid``; without either, the key's thumbprint (RFC 7638).
            use: As for the class; the JWK's ``use`` and ``key_ops`` must allow it.
            signer: Signs in place of the private key, which is kept elsewhere; the JWK is the public key then.

        Raises:
            ConfigurationError: It cannot be read, is weak, or is for another algorithm or use.
        """
        if isinstance(jwk, str):
            try:
                jwk = read_json_object(jwk)
            except (ValueError, RecursionError):
                raise ConfigurationError("The JWK is no JSON object, or repeats a name.") from None
        named = jwk.get("alg", algorithm) or _KIND_OF_JWK.get((str(jwk.get("kty")), str(jwk.get("crv"))))
        if named is None:
            raise ConfigurationError("The JWK has no 'alg': say which algorithm it is for, algorithm=...")
        check_algorithm(named)
        if algorithm not in {None, named}:
            raise ConfigurationError(f"The JWK is for {named} and not for {algorithm}.")
        allowed = _use_of_jwk(jwk)
        if use == "sign" and allowed == "verify":
            raise ConfigurationError("The JWK's 'key_ops' do not allow it to sign.")
        material = _secret_of_jwk(jwk, named) if named in MIN_BYTES else asymmetric.from_jwk(jwk, named)
        return cls._of(material, kid if kid is not None else jwk.get("kid"), use or allowed, signer)

    @classmethod
    def _of(cls, material: Material, kid: object, use: Use | None, signer: ExternalSigner | None) -> "Key":
        key = cls.__new__(cls)
        key._take(material, kid, use, signer)  # noqa: SLF001
        return key

    def _take(self, material: Material, kid: object, use: Use | None, signer: ExternalSigner | None = None) -> None:
        if signer is not None and (material.public is None or material.signing is not None):
            raise ConfigurationError("With signer=... the key is a public key: its private half is kept by the signer.")
        can_sign = material.signing is not None or signer is not None
        if use not in {None, "sign", "verify"}:
            raise ConfigurationError(f"use={use!r} is neither 'sign' nor 'verify'.")
        if use == "sign" and not can_sign:
            raise ConfigurationError("A public key cannot sign: give the private key, or use='verify'.")
        if kid is not None and (not isinstance(kid, str) or not _KID.fullmatch(kid)):
            raise ConfigurationError("A kid has 1 to 255 characters, and no control characters.")
        self.kid: str = kid or material.name
        self.algorithm: str = material.algorithm
        self.use: Use = use or ("sign" if can_sign else "verify")
        self._material = material
        self._signer = signer
        self._algorithm = algorithm_of(material.algorithm)

    async def signature(self, message: bytes) -> bytes:
        """Return the signature of the message, by the external signer where there is one.

        Raises:
            KeysUnavailableException: The external signer does not sign now.
            ConfigurationError: The key only verifies.
        """
        if self._signer is None:
            return self.sign(message)
        try:
            with anyio.fail_after(_SIGNER_TIMEOUT):
                signature = await self._signer.sign(message)
        except Exception as error:
            logger.warning("The external signer of the key %r does not sign: %s", self.kid, type(error).__name__)
            raise KeysUnavailableException from error
        # What leaves this house verifies: a signer with another key than its public half would be found out by clients.
        for form in (signature, asymmetric.raw_from_der(signature) if self.algorithm == "ES256" else None):
            if form is not None and self.verify(message, form):
                return form
        logger.error("The external signer of the key %r signs with another key, or for another algorithm.", self.kid)
        raise KeysUnavailableException

    def sign(self, message: bytes) -> bytes:
        """Return the signature of the message by a key that is here.

        Raises:
            ConfigurationError: The key only verifies, or is kept by an external signer.
        """
        if self.use == "verify" or self._material.signing is None:
            raise ConfigurationError(f"The key {self.kid!r} only verifies here.")
        return self._algorithm.sign(message, self._material.signing)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signature is the message's, in constant time."""
        return self._algorithm.verify(message, self._material.verifying, signature)

    @property
    def public_jwk(self) -> dict[str, str] | None:
        """The public half as a JWK (RFC 7517), for others to verify with; None for a symmetric key."""
        if self._material.public is None:
            return None
        return {**self._material.public, "use": "sig", "alg": self.algorithm, "kid": self.kid}

    @property
    def holds_secret(self) -> bool:
        """Whether there are bytes behind this key that nobody else knows; not so for a public key."""
        return self._material.secret is not None

    def derive(self, label: bytes) -> bytes:
        """Return a key for another use; it says nothing about this one, nor about those with other labels.

        Raises:
            ConfigurationError: This is a public key, and there is no secret to derive one from.
        """
        if self._material.secret is None:
            raise ConfigurationError(f"The key {self.kid!r} is public, and no secret can be derived from it.")
        return derive(self._material.secret, label)

    @property
    def weakness(self) -> str | None:
        """What makes the key guessable, in words, or None."""
        return self._material.weakness

    @property
    def identity(self) -> str:
        """The same for the same key material, whatever it is called; it does not give the key away."""
        return self._material.name

    def __repr__(self) -> str:
        return f"Key(kid={self.kid!r}, algorithm={self.algorithm!r}, use={self.use!r})"


SecretKey: TypeAlias = str | bytes | Key
"""A key as the app gives it."""


class KeyRing:
    """Keys by name, newest first: the first signs, all verify. It never changes; a new ring is a new object.

    Args:
        keys: At least one key, each with a name of its own; the first can sign.
        origin: Where the keys came from: an argument, an environment variable or a file.
    """

    def __init__(self, keys: Sequence[Key], *, origin: str = "secret_key") -> None:
        if not keys:
            raise ConfigurationError("secret_key=[] holds no key; give at least one.")
        self._keys = {key.kid: key for key in keys}
        if len(self._keys) != len(keys):
            raise ConfigurationError("Two keys of the ring have the same kid; give each key once, with its own kid.")
        if len({key.identity for key in keys}) != len(keys):
            raise ConfigurationError("A key stands in the ring twice; it is for one algorithm, and has one kid.")
        if keys[0].use != "sign":
            raise ConfigurationError(
                "The first key of the ring signs, and this one only verifies: put it further back."
            )
        self.current: Key = keys[0]
        self.origin = origin

    def get(self, kid: str) -> Key | None:
        """Return the key of this name, or None."""
        return self._keys.get(kid)

    def public_jwks(self) -> list[dict[str, str]]:
        """Return the public halves of the asymmetric keys as JWKs, newest first."""
        return [jwk for key in self if (jwk := key.public_jwk) is not None]

    def derive(self, label: bytes) -> Sequence[bytes]:
        """Return a key for another use from each key of the ring that holds a secret, newest first.

        Raises:
            ConfigurationError: None does.
        """
        derived = [key.derive(label) for key in self if key.holds_secret]
        if not derived:
            raise ConfigurationError(
                "No key of the ring holds a secret of our own: add a Key(secret, use='verify') for what is kept to us."
            )
        return derived

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({list(self)!r})"


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _use_of_jwk(jwk: Mapping[str, Any]) -> Use | None:
    if jwk.get("use", "sig") != "sig":
        raise ConfigurationError("The JWK is not for signatures: its 'use' is not 'sig'.")
    if "key_ops" not in jwk:
        return None
    operations: Any = jwk["key_ops"]
    if not isinstance(operations, list):
        raise ConfigurationError("The JWK's 'key_ops' are no list.")
    names = cast("list[object]", operations)
    private = "d" in jwk  # a private half has a public one, which verifies whatever the JWK says of the private
    if not all(name in _OPERATIONS for name in names if isinstance(name, str)) or len(names) != len(
        {name for name in names if isinstance(name, str)}
    ):
        raise ConfigurationError("The JWK is not for signatures: its 'key_ops' are others than 'sign' and 'verify'.")
    if "verify" not in names and not (private and "sign" in names):
        raise ConfigurationError("The JWK's 'key_ops' do not allow it to verify.")
    return None if "sign" in names else "verify"


def _secret_of_jwk(jwk: Mapping[str, Any], algorithm: str) -> Material:
    if jwk.get("kty") != "oct":
        raise ConfigurationError(f"The JWK is no key for {algorithm}: its 'kty' must be 'oct'.")
    try:
        secret = unb64(jwk["k"])
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the text of the error may quote it
        raise ConfigurationError("The JWK's 'k' is missing, or no base64url.") from None
    return symmetric(secret, algorithm)
