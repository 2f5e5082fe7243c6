"""Keys whose private half is kept elsewhere: what the signer may answer, and what happens when it does not."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fastauth.core import keys
from fastauth.core.exceptions import ConfigurationError, KeysUnavailableException
from fastauth.core.keys import Key, KeyRing
from tests.core.pems import ED25519, P256, PEMS, RSA, public_pem

SECRET = "kQ3vN8xW1rT6yU2pL9sD4fG7hJ0zX5cB-mA_eR2tY8w"  # never a key of anything


class Vault:
    """Signs as a key management service does, in the form of RFC 7518 or, for P-256, in ASN.1."""

    def __init__(self, algorithm: str, *, asn1: bool = False) -> None:
        self.key = Key(PEMS[algorithm], algorithm=algorithm)
        self.asn1 = asn1

    async def sign(self, message: bytes, /) -> bytes:
        await asyncio.sleep(0)
        if not self.asn1:
            return self.key.sign(message)
        private = serialization.load_pem_private_key(P256.encode(), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return private.sign(message, ec.ECDSA(hashes.SHA256()))


class Answering:
    """Answers as it is told to."""

    def __init__(self, answer: Callable[[], Awaitable[bytes]]) -> None:
        self.answer = answer

    async def sign(self, message: bytes, /) -> bytes:
        return await self.answer()


async def nonsense() -> bytes:
    return b"nonsense"


async def outage() -> bytes:
    raise OSError("the vault at 10.0.0.7 is sealed")


async def silence() -> bytes:
    await anyio.sleep_forever()
    return b""


@pytest.mark.parametrize(
    ("algorithm", "asn1"), [("RS256", False), ("PS256", False), ("EdDSA", False), ("ES256", False), ("ES256", True)]
)
async def test_a_key_that_is_kept_elsewhere_signs_and_its_public_half_verifies(algorithm: str, asn1: bool) -> None:
    """A public key with a signer signs by it, in the form of RFC 7518 whatever the signer answers."""
    key = Key.from_pem(public_pem(PEMS[algorithm]), algorithm=algorithm, signer=Vault(algorithm, asn1=asn1))

    signature = await key.signature(b"message")

    assert key.use == "sign"
    assert key.kid == Key(PEMS[algorithm], algorithm=algorithm).kid
    assert Key(PEMS[algorithm], algorithm=algorithm).verify(b"message", signature)
    assert len(signature) == {"RS256": 256, "PS256": 256, "EdDSA": 64, "ES256": 64}[algorithm]
    with pytest.raises(ConfigurationError, match="only verifies here"):
        key.sign(b"message")


@pytest.mark.parametrize("answer", [nonsense, outage, silence])
async def test_a_signer_that_does_not_sign_is_an_outage(
    answer: Callable[[], Awaitable[bytes]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nonsense, an error and silence are all told as an outage, and what the signer said stays out of log and error."""
    monkeypatch.setattr(keys, "_SIGNER_TIMEOUT", 0.01)
    key = Key.from_pem(public_pem(P256), signer=Answering(answer))

    with pytest.raises(KeysUnavailableException) as caught:
        await key.signature(b"message")

    assert key.kid in caplog.text
    assert "10.0.0.7" not in caplog.text + str(caught.value)


async def test_a_signer_with_another_key_signs_nothing_for_us(caplog: pytest.LogCaptureFixture) -> None:
    """What a signer signs with another key than the public half never leaves the house."""
    key = Key.from_pem(public_pem(RSA), algorithm="PS256", signer=Vault("RS256"))

    with pytest.raises(KeysUnavailableException):
        await key.signature(b"message")
    assert "signs with another key" in caplog.text


def test_a_signer_stands_beside_a_public_key_only() -> None:
    """A private key or a secret with a signer is refused; a JWK may have one too."""
    for key in (lambda: Key.from_pem(P256, signer=Vault("ES256")), lambda: Key.from_jwk(OCT, signer=Vault("ES256"))):
        with pytest.raises(ConfigurationError, match="is a public key"):
            key()

    public = Key(ED25519, algorithm="EdDSA").public_jwk
    assert public is not None
    assert Key.from_jwk(public, signer=Vault("EdDSA")).use == "sign"
    assert Key.from_jwk(public, signer=Vault("EdDSA"), use="verify").use == "verify"


OCT = {"kty": "oct", "alg": "HS256", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}


def test_a_ring_of_keys_that_are_kept_elsewhere_says_what_it_lacks() -> None:
    """Where no key holds a secret nothing can be derived, and the error says which key to add."""
    external = Key.from_pem(public_pem(P256), signer=Vault("ES256"))

    with pytest.raises(ConfigurationError, match=r"add a Key\(secret, use='verify'\)"):
        KeyRing([external]).derive(b"csrf")

    assert len(KeyRing([external, Key(SECRET, use="verify")]).derive(b"csrf")) == 1
