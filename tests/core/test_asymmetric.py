"""Keys of two halves: from PEM and JWK, what each signs, and what is refused."""

import json
import subprocess
import sys
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from fastauth.core import asymmetric
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.keys import Key, KeyRing
from tests.core.forge import b64
from tests.core.pems import ED25519, P256, P384, PEMS, RSA, RSA_1024, RSA_EXPONENT_3, public_pem

OCT = {"kty": "oct", "k": b64(bytes(range(64))), "alg": "HS256"}


def pem_of(key: Any) -> str:
    text: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode()


def private_jwk(algorithm: str) -> dict[str, Any]:
    """Return a private JWK, made by another library."""
    maker: Any = jwt.get_algorithm_by_name(algorithm)
    jwk: dict[str, Any] = maker.to_jwk(maker.prepare_key(PEMS[algorithm]), as_dict=True)
    return {**without(jwk, "key_ops"), "alg": algorithm}


def without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


@pytest.mark.parametrize("algorithm", PEMS)
def test_r_jw_15_every_algorithm_signs_and_its_public_half_verifies(algorithm: str) -> None:
    """What a private key signs its public half verifies, and nothing else; a public key does not sign."""
    private = Key(PEMS[algorithm], algorithm=algorithm)
    public = Key.from_pem(public_pem(PEMS[algorithm]), algorithm=algorithm)

    signature = private.sign(b"message")

    assert (private.use, public.use, private.kid == public.kid) == ("sign", "verify", True)
    assert private.verify(b"message", signature)
    assert public.verify(b"message", signature)
    for other, forged in ((b"massage", signature), (b"message", signature[:-1]), (b"message", b"")):
        assert not public.verify(other, forged)
    with pytest.raises(ConfigurationError, match="only verifies"):
        public.sign(b"message")


@pytest.mark.parametrize("algorithm", PEMS)
def test_a_jwk_is_the_same_key_as_its_pem(algorithm: str) -> None:
    """A private and a public JWK, as an object or as JSON, are the key that the PEM is, with its thumbprint as name."""
    key = Key(PEMS[algorithm], algorithm=algorithm)
    jwk = private_jwk(algorithm)

    for same in (Key.from_jwk(jwk), Key.from_jwk(json.dumps(jwk))):
        assert (same.kid, same.use, same.public_jwk) == (key.kid, "sign", key.public_jwk)
        assert key.verify(b"message", same.sign(b"message"))
    assert key.public_jwk is not None
    assert Key.from_jwk(key.public_jwk).use == "verify"


def test_the_name_is_the_thumbprint_of_the_standard() -> None:
    """The default name is the thumbprint that RFC 7638 computes of its example key, and RFC 8037 of its own."""
    example = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d"
        "0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-c"
        "sFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
    }
    edwards = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

    assert Key.from_jwk(example).kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert Key.from_jwk(edwards).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("pem", [P256, ED25519])
def test_the_algorithm_may_be_left_out_where_there_is_no_choice(pem: str) -> None:
    """A P-256 or an Ed25519 key names its algorithm itself; an RSA key must be told."""
    assert Key.from_pem(pem).algorithm in {"ES256", "EdDSA"}
    assert Key.from_jwk(without(private_jwk(Key.from_pem(pem).algorithm), "alg")).use == "sign"
    for give in (lambda: Key.from_pem(RSA), lambda: Key.from_jwk(without(private_jwk("RS256"), "alg"))):
        with pytest.raises(ConfigurationError, match="say which"):
            give()


@pytest.mark.parametrize("other", ["HS256", "RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("algorithm", PEMS)
def test_r_jw_1_a_key_of_one_kind_is_no_key_for_an_algorithm_of_another(algorithm: str, other: str) -> None:
    """A key is used with an algorithm of its own kind, or is refused, in whatever form it comes."""
    if {algorithm, other} <= {"RS256", "PS256"} or algorithm == other:
        assert Key(PEMS[algorithm], algorithm=other).algorithm == other
        return
    with pytest.raises(ConfigurationError):
        Key(PEMS[algorithm], algorithm=other)
    with pytest.raises(ConfigurationError):
        Key.from_jwk({**private_jwk(algorithm), "alg": other})


def test_r_jw_1_a_key_stands_in_a_ring_for_one_algorithm_only() -> None:
    """One RSA key for both of its algorithms is refused (RFC 8725, 3.1)."""
    with pytest.raises(ConfigurationError, match="stands in the ring twice"):
        KeyRing([Key(RSA, algorithm="RS256", kid="one"), Key(RSA, algorithm="PS256", kid="two")])


@pytest.mark.parametrize(
    ("pem", "algorithm", "message"),
    [
        (RSA_1024, "RS256", "has 2048 to 8192 bits, and this one has 1024"),
        (RSA_EXPONENT_3, "PS256", "public exponent 65537"),
        (P384, "ES256", "on the curve P-256, and this one is on secp384r1"),
        (pem_of(ec.generate_private_key(ec.SECP256K1())), "ES256", "this one is on secp256k1"),
        (pem_of(ed448.Ed448PrivateKey.generate()), "EdDSA", "This kind of key is not supported"),
        ("", "RS256", "is a PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "ES256", "cannot be read as one"),
        (RSA.replace("M", "N"), "RS256", "cannot be read as one"),
        ("x" * 64, "EdDSA", r"A key of another algorithm is given as Key"),
    ],
    ids=[
        "short",
        "small exponent",
        "P-384",
        "secp256k1",
        "Ed448",
        "empty",
        "no key in it",
        "damaged",
        "no PEM",
    ],
)  # fmt: skip
def test_r_jw_2_weak_keys_and_other_curves_are_refused_when_they_are_made(
    pem: str, algorithm: str, message: str
) -> None:
    """A short key, a weak exponent, another curve or another kind of key never becomes a key of ours."""
    with pytest.raises(ConfigurationError, match=message):
        Key(pem, algorithm=algorithm)


def test_r_jw_2_a_key_of_the_broken_generator_is_refused() -> None:
    """A modulus with the fingerprint of CVE-2017-15361 is refused."""
    product = 1
    for prime in asymmetric._SMALL_PRIMES:
        product *= prime
    modulus = pow(65537, 12345, product) + product * (1 << (2047 - product.bit_length())) * 2
    numbers = rsa.RSAPublicNumbers(65537, modulus | 1 if modulus % 2 else modulus + product)

    with pytest.raises(ConfigurationError, match="CVE-2017-15361"):
        Key.from_jwk({"kty": "RSA", "alg": "RS256", "e": "AQAB", "n": b64(numbers.n.to_bytes(256, "big"))})


@pytest.mark.parametrize("sign_bit", [0, 0x80])
@pytest.mark.parametrize("point", sorted(asymmetric._SMALL_ORDER))
def test_r_jw_2_a_point_of_small_order_is_no_key(point: bytes, sign_bit: int) -> None:
    """An Ed25519 key for which anyone can sign is refused."""
    x = point[:-1] + bytes([point[-1] | sign_bit])

    with pytest.raises(ConfigurationError, match="small order"):
        Key.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64(x)})


BAD_JWKS: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "no JSON object"),
    "a list": ("[]", "no JSON object"),
    "deep": ('{"kty":' * 5000, "no JSON object"),
    "a repeated name": ('{"kty":"oct","kty":"oct"}', "repeats a name"),
    "empty": ({}, "has no 'alg'"),
    "alg none": ({**OCT, "alg": "none"}, "is not supported"),
    "alg a list": ({**OCT, "alg": ["HS256"]}, "is not supported"),
    "alg null": ({**OCT, "alg": None}, "has no 'alg'"),
    "an encryption alg": ({**private_jwk("RS256"), "alg": "RSA-OAEP"}, "is not supported"),
    "use enc": ({**OCT, "use": "enc"}, "its 'use' is not 'sig'"),
    "use null": ({**OCT, "use": None}, "its 'use' is not 'sig'"),
    "key_ops a text": ({**OCT, "key_ops": "verify"}, "are no list"),
    "key_ops to encrypt": ({**OCT, "key_ops": ["encrypt"]}, "are others"),
    "key_ops to encrypt too": ({**OCT, "key_ops": ["sign", "verify", "encrypt"]}, "are others"),
    "key_ops repeated": ({**OCT, "key_ops": ["verify", "verify"]}, "are others"),
    "key_ops no texts": ({**OCT, "key_ops": ["verify", 7]}, "are others"),
    "key_ops empty": ({**OCT, "key_ops": []}, "do not allow it to verify"),
    "a secret that only signs": ({**OCT, "key_ops": ["sign"]}, "do not allow it to verify"),
    "a public key that only signs": ({**without(private_jwk("ES256"), "d"), "key_ops": ["sign"]}, "to verify"),
    "no k": (without(OCT, "k"), "'k' is missing"),
    "k a number": ({**OCT, "k": 7}, "'k' is missing"),
    "k padded": ({**OCT, "k": OCT["k"] + "="}, "no base64url"),
    "k short": ({**OCT, "k": b64(bytes(range(31)))}, "at least 32 bytes"),
    "oct for RS256": ({**OCT, "alg": "RS256"}, "its 'kty' must be 'RSA'"),
    "RSA for HS256": ({**private_jwk("RS256"), "alg": "HS256"}, "its 'kty' must be 'oct'"),
    "EC for EdDSA": ({**private_jwk("ES256"), "alg": "EdDSA"}, "its 'kty' must be 'OKP'"),
    "no x": (without(private_jwk("ES256"), "x"), "missing or broken"),
    "x short": ({**private_jwk("ES256"), "x": b64(bytes(31))}, "missing or broken"),
    "x a number": ({**private_jwk("ES256"), "x": 7}, "missing or broken"),
    "x padded": ({**private_jwk("EdDSA"), "x": private_jwk("EdDSA")["x"] + "="}, "missing or broken"),
    "a point off the curve": ({**without(private_jwk("ES256"), "d"), "y": b64(bytes(32))}, "missing or broken"),
    "another curve": ({**private_jwk("ES256"), "crv": "P-384"}, "missing or broken"),
    "no curve": (without(private_jwk("ES256"), "crv"), "missing or broken"),
    "halves of two P-256 keys": ({**private_jwk("ES256"), "d": b64(bytes(31) + b"7")}, "missing or broken"),
    "halves of two Ed25519 keys": ({**private_jwk("EdDSA"), "d": b64(bytes(32))}, "missing or broken"),
    "some primes": (without(private_jwk("RS256"), "p"), "missing or broken"),
    "more primes": ({**private_jwk("RS256"), "oth": []}, "missing or broken"),
    "exponent one": ({**without(private_jwk("RS256"), "d"), "e": "AQ"}, "missing or broken|exponent"),
    "an even exponent": ({**without(private_jwk("RS256"), "d"), "e": b64(b"\x01\x00\x02")}, "broken|exponent"),
    "kid a number": ({**OCT, "kid": 7}, "A kid has"),
    "kid empty": ({**OCT, "kid": ""}, "A kid has"),
}


@pytest.mark.parametrize(("jwk", "message"), BAD_JWKS.values(), ids=BAD_JWKS)
def test_r_jw_2_a_jwk_that_is_weak_broken_or_for_another_use_is_refused(jwk: Any, message: str) -> None:
    """A JWK of another use, algorithm, curve or form never becomes a key, and the error repeats none of it."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Key.from_jwk(jwk)

    assert OCT["k"] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_jwk_says_what_it_may_be_used_for() -> None:
    """A JWK that may only verify becomes a key that only verifies, and cannot be made to sign."""
    only_verify = {**OCT, "key_ops": ["verify"]}

    assert Key.from_jwk(only_verify).use == "verify"
    assert Key.from_jwk({**OCT, "key_ops": ["verify", "sign"]}).use == "sign"
    assert Key.from_jwk({**private_jwk("ES256"), "key_ops": ["sign"]}).use == "sign"
    assert Key.from_jwk(OCT, use="verify").use == "verify"
    with pytest.raises(ConfigurationError, match="do not allow it to sign"):
        Key.from_jwk(only_verify, use="sign")
    with pytest.raises(ConfigurationError, match="A public key cannot sign"):
        Key.from_pem(public_pem(P256), use="sign")


def test_a_jwk_has_its_own_name_and_algorithm() -> None:
    """A JWK's name is used unless another is given, and an algorithm that contradicts it is refused."""
    assert Key.from_jwk({**OCT, "kid": "one"}).kid == "one"
    assert Key.from_jwk({**OCT, "kid": "one"}, kid="two").kid == "two"
    assert Key.from_jwk(without(OCT, "alg"), algorithm="HS512").algorithm == "HS512"
    with pytest.raises(ConfigurationError, match="is for HS256 and not for HS512"):
        Key.from_jwk(OCT, algorithm="HS512")


def test_an_encrypted_pem_needs_its_password() -> None:
    """An encrypted private key is read with its password, and said to be encrypted without it."""
    key = serialization.load_pem_private_key(P256.encode(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"open")
    )

    assert Key.from_pem(encrypted, password="open").kid == Key.from_pem(P256).kid
    with pytest.raises(ConfigurationError, match="encrypted"):
        Key.from_pem(encrypted)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Key.from_pem(encrypted, password="shut")


@pytest.mark.parametrize("algorithm", PEMS)
def test_r_ht_12_the_public_half_is_public_only(algorithm: str) -> None:
    """What is published of a key has no member of its private half, and nothing of a secret is ever published."""
    ring = KeyRing([Key(PEMS[algorithm], algorithm=algorithm, kid="one"), Key.from_jwk(OCT)])

    [jwk] = ring.public_jwks()

    assert jwk.keys() <= {"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"}
    assert (jwk["use"], jwk["alg"], jwk["kid"]) == ("sig", algorithm, "one")


def test_nothing_shows_a_private_key() -> None:
    """Neither a key nor its material shows anything private."""
    key = Key.from_jwk(private_jwk("ES256"))

    assert private_jwk("ES256")["d"] not in repr(key) + repr(key._material) + repr(vars(key))


def test_keys_are_derived_from_a_private_half_and_never_from_a_public_one() -> None:
    """A private key gives keys for other uses; a ring that holds public keys only says what it lacks."""
    private, public = Key(P256, algorithm="ES256"), Key(public_pem(RSA), algorithm="RS256")

    assert KeyRing([private, public]).derive(b"csrf") == [private.derive(b"csrf")]
    assert not public.holds_secret
    with pytest.raises(ConfigurationError, match="is public"):
        public.derive(b"csrf")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_new_key_is_one_for_its_algorithm(algorithm: str) -> None:
    """A key that is made for an algorithm signs with it."""
    assert Key(asymmetric.new_private_pem(algorithm), algorithm=algorithm).use == "sign"


def test_without_cryptography_secrets_work_and_other_keys_say_what_they_need() -> None:
    """Where the package is missing HS256 works all the same, and an asymmetric key names the extra."""
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from fastauth import ConfigurationError, Key\n"
        "print(Key('x' * 32).algorithm)\n"
        "jwk = {'kty': 'RSA', 'alg': 'RS256'}\n"
        "for make in (lambda: Key('x' * 64, algorithm='RS256'), lambda: Key.from_jwk(jwk)):\n"
        "    try: make()\n"
        "    except ConfigurationError as error: print(error)\n"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.stdout.splitlines() == [
        "HS256",
        *["Asymmetric keys need the package cryptography: pip install 'fastauth[crypto]'"] * 2,
    ]
