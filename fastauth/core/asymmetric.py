"""Keys of two halves, RSA, P-256 and Ed25519: from PEM and JWK, and what is refused of them."""

import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from fastauth.core.encoding import b64, unb64
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.key_material import Material, algorithm_of
from fastauth.core.later import Later

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from jwt import utils as jwt_utils
else:
    # Whoever has a secret needs no key of this kind, and the package may be missing.
    jwt_utils = Later("jwt.utils")
    serialization = Later("cryptography.hazmat.primitives.serialization")
    ec = Later("cryptography.hazmat.primitives.asymmetric.ec")
    ed25519 = Later("cryptography.hazmat.primitives.asymmetric.ed25519")
    rsa = Later("cryptography.hazmat.primitives.asymmetric.rsa")

PublicKey: TypeAlias = "rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey"
PrivateKey: TypeAlias = "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey"

_RSA_BITS = range(2048, 8193)  # RFC 7518, 3.3; and more would only make each verification slow
_RSA_EXPONENTS = range(65537, 2**64)  # FIPS 186-5, 5.1; and OpenSSL's own bound
_BYTES_OF_JWK = frozenset({"n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y"})
_JWK_KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_SMALL_PRIMES = [prime for prime in range(3, 168, 2) if all(prime % factor for factor in range(3, prime, 2))]
# The points of small order (RFC 8032, 5.1.7): anyone can sign for such a key. The sign bit does not matter.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
_THUMBPRINT_MEMBERS = ("crv", "e", "kty", "n", "x", "y")  # RFC 7638, 3.2 and RFC 8037, 2


def from_pem(pem: bytes, algorithm: str | None, *, password: bytes | None = None) -> Material:
    """Return the material of a private or public key in PEM.

    Args:
        pem: The text, from ``-----BEGIN ...`` on.
        algorithm: The algorithm; None where the kind of key leaves no choice.
        password: What the private key is encrypted with.

    Raises:
        ConfigurationError: It cannot be read, is weak, or is no key for the algorithm.
    """
    _require_cryptography()
    try:
        if b"PRIVATE KEY-----" in pem:
            key: object = serialization.load_pem_private_key(pem, password)
        else:
            key = serialization.load_pem_public_key(pem)
    except TypeError:
        raise ConfigurationError(
            "The PEM is encrypted and came without its password, or the other way round: Key.from_pem(password=...)."
        ) from None
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the text of the error may quote it
        raise ConfigurationError(
            f"A key for {algorithm or 'an asymmetric algorithm'} is a PEM, '-----BEGIN PRIVATE KEY-----' or "
            "'-----BEGIN PUBLIC KEY-----', and this cannot be read as one. A key of another algorithm is given as "
            "Key(..., algorithm=...)."
        ) from None
    return _material(key, algorithm)


def from_jwk(jwk: Mapping[str, Any], algorithm: str) -> Material:
    """Return the material of a private or public JWK (RFC 7517; RFC 8037 for Ed25519).

    Raises:
        ConfigurationError: It cannot be read, is weak, or is no key for the algorithm.
    """
    _require_cryptography()
    if jwk.get("kty") != _JWK_KINDS[algorithm]:
        raise ConfigurationError(f"The JWK is no key for {algorithm}: its 'kty' must be {_JWK_KINDS[algorithm]!r}.")
    try:
        for name in _BYTES_OF_JWK.intersection(jwk):
            unb64(jwk[name])
        key = algorithm_of(algorithm).from_jwk(dict(jwk))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the text of the error may quote it
        raise ConfigurationError(f"The JWK is no key for {algorithm}: a member is missing or broken.") from None
    return _material(key, algorithm)


def new_private_pem(algorithm: str) -> str:
    """Return a new private key for the algorithm."""
    _require_cryptography()
    key: PrivateKey
    if algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = rsa.generate_private_key(65537, 3072)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def raw_from_der(signature: bytes) -> bytes | None:
    """Return the 64 bytes of a P-256 signature that came as ASN.1 (RFC 7518, 3.4); None where it is none."""
    try:
        return jwt_utils.der_to_raw_signature(signature, ec.SECP256R1())
    except (ValueError, OverflowError):
        return None


def _material(key: object, algorithm: str | None) -> Material:
    private = cast("PrivateKey", key) if hasattr(key, "private_bytes") else None
    public = cast("PublicKey", key) if private is None else private.public_key()
    algorithm = _fitting(public, algorithm)
    exported: dict[str, Any] = algorithm_of(algorithm).to_jwk(public, as_dict=True)
    jwk = {name: exported[name] for name in _THUMBPRINT_MEMBERS if name in exported}
    secret = None
    if private is not None:
        secret = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return Material(
        algorithm=algorithm, verifying=public, signing=private, secret=secret, name=_thumbprint(jwk), public=jwk
    )


def _fitting(public: object, algorithm: str | None) -> str:
    fitting: tuple[str, ...]
    if isinstance(public, rsa.RSAPublicKey):
        _check_rsa(public)
        kind, fitting = "an RSA key", ("RS256", "PS256")
    elif isinstance(public, ec.EllipticCurvePublicKey):
        if not isinstance(public.curve, ec.SECP256R1):
            raise ConfigurationError(f"ES256 needs a key on the curve P-256, and this one is on {public.curve.name}.")
        kind, fitting = "a P-256 key", ("ES256",)
    elif isinstance(public, ed25519.Ed25519PublicKey):
        _check_ed25519(public)
        kind, fitting = "an Ed25519 key", ("EdDSA",)
    else:
        raise ConfigurationError("This kind of key is not supported; use RSA, P-256 or Ed25519.")
    if algorithm is None and len(fitting) > 1:
        raise ConfigurationError("An RSA key is for one algorithm: say which, algorithm='RS256' or 'PS256'.")
    if algorithm is not None and algorithm not in fitting:
        raise ConfigurationError(f"This is {kind}, for {' or '.join(fitting)} and not for {algorithm}.")
    return algorithm or fitting[0]


def _check_rsa(public: "rsa.RSAPublicKey") -> None:
    numbers = public.public_numbers()
    if public.key_size not in _RSA_BITS:
        raise ConfigurationError(
            f"An RSA key has {_RSA_BITS.start} to {_RSA_BITS.stop - 1} bits, and this one has {public.key_size}."
        )
    if numbers.e not in _RSA_EXPONENTS or numbers.e % 2 == 0:
        raise ConfigurationError("An RSA key has the public exponent 65537; this one's is weak, or absurd.")
    if all(_is_power_of_65537(numbers.n % prime, prime) for prime in _SMALL_PRIMES):
        raise ConfigurationError("This RSA key was made by a generator whose keys can be factored (CVE-2017-15361).")


def _check_ed25519(public: "ed25519.Ed25519PublicKey") -> None:
    point = bytearray(public.public_bytes_raw())
    point[-1] &= 0x7F
    if bytes(point) in _SMALL_ORDER:
        raise ConfigurationError("This Ed25519 key is a point of small order: anyone can sign for it.")


def _is_power_of_65537(residue: int, prime: int) -> bool:
    power = 1
    for _ in range(prime):
        if power == residue:
            return True
        power = power * 65537 % prime
    return False


def _thumbprint(jwk: Mapping[str, str]) -> str:
    # RFC 7638: the same for the same key, whoever computes it.
    canonical = json.dumps(dict(sorted(jwk.items())), separators=(",", ":")).encode("ascii")
    return b64(hashlib.sha256(canonical).digest()).decode("ascii")


def _require_cryptography() -> None:
    try:
        import_module("cryptography")
    except ImportError:
        raise ConfigurationError(
            "Asymmetric keys need the package cryptography: pip install 'fastauth[crypto]'"
        ) from None
