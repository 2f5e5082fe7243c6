"""Signing keys: what is a key, what is refused, and the ring they stand in."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.keys import Key, KeyRing
from tests.core.pems import RSA, public_pem

GIVEN = "kQ3vN8xW1rT6yU2pL9sD4fG7hJ0zX5cB-mA_eR2tY8w"  # never a key of anything
FIRST = "wS8eN2vK5xQ1zT7rU4yP0mD9fB3hJ6gC_lA-oI5tE2k"
SECOND = "Zx7Yb1Nq9Kd3Vw5Th2Rj8Mf4Lp6Gs0Ce_uA-iO3eU1y"


@pytest.mark.parametrize(("algorithm", "length"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_r_jw_2_a_key_is_at_least_as_long_as_its_hash(algorithm: str, length: int) -> None:
    """A key of one byte less than RFC 7518 asks for is refused, and the message says how to make one."""
    assert Key("x" * length, algorithm=algorithm).algorithm == algorithm
    with pytest.raises(ConfigurationError, match=f"at least {length} bytes, and this one has {length - 1}.*secrets"):
        Key("x" * (length - 1), algorithm=algorithm)


def test_the_length_of_a_key_is_counted_in_bytes() -> None:
    """A text is a key by its UTF-8 bytes, and so the same key as these bytes."""
    assert Key("é" * 16).kid == Key("é".encode() * 16).kid


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "", "hs256", "RS512", "ES384", "Ed448", "HS256,none", ["HS256"], None]
)
def test_r_jw_1_other_algorithms_are_refused(algorithm: Any) -> None:
    """A key has one of seven algorithms, and above all is never of none, nor of several."""
    with pytest.raises(ConfigurationError, match="is not supported; use one of HS256, HS384, HS512, RS256"):
        Key("x" * 64, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_key_signs_with_its_own_algorithm(algorithm: str) -> None:
    """The signature is the HMAC of RFC 7518, and another message does not have it."""
    key = Key(GIVEN * 2, algorithm=algorithm)

    signature = key.sign(b"message")

    assert signature == hmac.digest((GIVEN * 2).encode(), b"message", getattr(hashlib, f"sha{algorithm[2:]}"))
    assert key.verify(b"message", signature)
    assert not key.verify(b"massage", signature)
    assert not key.verify(b"message", signature[:-1])
    assert not key.verify(b"message", b"")


def test_a_key_has_a_name_that_stays_and_does_not_give_it_away() -> None:
    """The name of a key is the same at every start, another for every key, and no plain hash of it."""
    key = Key(GIVEN)

    assert key.kid == Key(GIVEN).kid != Key(FIRST).kid
    assert not hashlib.sha256(GIVEN.encode()).hexdigest().startswith(key.kid)
    assert Key(GIVEN, kid="2031-05").kid == "2031-05"


def test_neither_key_nor_ring_shows_the_secret() -> None:
    """A ``repr`` has the name and the algorithm, and nothing of the key."""
    ring = KeyRing([Key(GIVEN, kid="one"), Key(FIRST.encode(), kid="two")])

    for text in (repr(ring), str(ring), f"{ring}", repr(ring.current), str(list(ring))):
        assert "one" in text
        assert GIVEN not in text
        assert FIRST not in text


def test_the_first_key_of_a_ring_is_the_current_one() -> None:
    """A ring is newest first: the first signs, and all are found by name."""
    first, second = Key(FIRST), Key(SECOND)
    ring = KeyRing([first, second])

    assert ring.current is first
    assert list(ring) == [first, second]
    assert [ring.get(first.kid), ring.get(second.kid), ring.get("other")] == [first, second, None]


def test_a_ring_has_a_key() -> None:
    """A ring of no keys is refused."""
    with pytest.raises(ConfigurationError, match="give at least one"):
        KeyRing([])


@pytest.mark.parametrize("ring", [[Key(FIRST), Key(FIRST)], [Key(FIRST, kid="one"), Key(SECOND, kid="one")]])
def test_every_key_of_a_ring_has_a_name_of_its_own(ring: list[Key]) -> None:
    """A ring with two keys of one name is refused."""
    with pytest.raises(ConfigurationError, match="the same kid"):
        KeyRing(ring)


def test_a_key_of_random_bytes_is_no_text_and_no_weakness() -> None:
    """Random bytes that are no UTF-8 are as good a key as any."""
    assert Key(hashlib.sha512(b"").digest()).weakness is None


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        ("correct horse battery staple correct-ish", "words"),
        ("the quick brown fox jumps over the lazy dog 2031", "words"),
        ("Iknowthatthisisnotrandomatall, but it is long", "words"),
        ("0123456789abcdefghijklmnopqrstuvwxyz", "in order"),
        ("ab" * 40, "repeat"),
        ("k3Jx" * 16, "repeat"),
        (GIVEN * 2, None),
        ("9c1f4be27a803d56e2b7f0c4815a6d3e", None),
    ],
)
def test_a_weak_key_says_what_is_weak_about_it(secret: str, weakness: str | None) -> None:
    """Words, sequences and repetitions are told from random characters, and random characters from them."""
    found = Key(secret).weakness

    assert found == weakness or (weakness is not None and found is not None and weakness in found)


def test_the_first_key_of_a_ring_must_sign() -> None:
    """A ring that begins with a key that only verifies is refused; further back such a key is at home."""
    with pytest.raises(ConfigurationError, match="only verifies"):
        KeyRing([Key(FIRST, use="verify"), Key(SECOND)])

    assert [key.use for key in KeyRing([Key(SECOND), Key(FIRST, use="verify")])] == ["sign", "verify"]


def test_a_key_that_only_verifies_does_not_sign() -> None:
    """A key of use ``verify`` verifies what its other self signed, and refuses to sign."""
    signing, verifying = Key(FIRST), Key(FIRST, use="verify")

    assert verifying.verify(b"message", signing.sign(b"message"))
    with pytest.raises(ConfigurationError, match="only verifies"):
        verifying.sign(b"message")


def test_a_key_has_one_algorithm() -> None:
    """The same secret under two names is refused, also for two algorithms (RFC 8725, 3.1)."""
    with pytest.raises(ConfigurationError, match="stands in the ring twice"):
        KeyRing([Key(GIVEN * 2, kid="one"), Key(GIVEN * 2, kid="two", algorithm="HS512")])


@pytest.mark.parametrize("kid", ["", "a\0", "a\nb", "\ud800", "k" * 256, 7])
def test_a_kid_is_a_short_text(kid: Any) -> None:
    """A kid of another form is refused when the key is made, not when a token is read."""
    with pytest.raises(ConfigurationError, match="A kid has 1 to 255 characters"):
        Key(GIVEN, kid=kid)


def test_a_use_is_one_of_two() -> None:
    """Another use than to sign or to verify is refused."""
    with pytest.raises(ConfigurationError, match="neither 'sign' nor 'verify'"):
        Key(GIVEN, use="encrypt")  # type: ignore[arg-type]


def test_a_key_is_a_text_or_bytes() -> None:
    """What is neither a text nor bytes is no key, and its value is not repeated."""
    with pytest.raises(ConfigurationError, match="not int"):
        Key(123456789012345678901234567890123456)  # type: ignore[arg-type]


def test_a_ring_is_counted_and_knows_where_it_came_from() -> None:
    """A ring says how many keys it holds, and where they came from."""
    ring = KeyRing([Key(FIRST), Key(SECOND)], origin="FASTAUTH_SECRET_KEY")

    assert (len(ring), ring.origin, KeyRing([Key(FIRST)]).origin) == (2, "FASTAUTH_SECRET_KEY", "secret_key")


def test_a_ring_gives_keys_for_other_uses() -> None:
    """Each key of the ring gives another one per label, newest first, that is always the same and is not itself."""
    ring = KeyRing([Key(GIVEN, kid="one"), Key(FIRST.encode(), kid="two")])

    derived = [*ring.derive(b"a"), *ring.derive(b"b")]

    assert list(ring.derive(b"a")) == [Key(GIVEN).derive(b"a"), Key(FIRST.encode()).derive(b"a")]
    assert len({*derived, GIVEN.encode(), FIRST.encode()}) == 6
    assert {len(key) for key in derived} == {32}


@pytest.mark.parametrize("shape", ["pem", "bom", "jwk", "jwks", "ssh", "der", "spaces"])
def test_r_jw_1_a_public_key_is_never_taken_for_a_secret(shape: str) -> None:
    """A public key in any of its shapes is refused as an HMAC secret, with the way to use it (RFC 8725, 2.1)."""
    public = serialization.load_pem_public_key(public_pem(RSA).encode())
    pem = public_pem(RSA)
    jwk = json.dumps(Key(pem, algorithm="RS256").public_jwk)
    shapes: dict[str, str | bytes] = {
        "pem": pem,
        "bom": "\ufeff" + pem,
        "spaces": "\n  " + pem,
        "jwk": jwk,
        "jwks": '{"keys": [' + jwk + "]}",
        "ssh": public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    }

    with pytest.raises(ConfigurationError, match="no secret for HS256"):
        Key(shapes[shape])


@pytest.mark.parametrize("text", ["[" * 5000, "-----BEGIN NOTHING-----" * 4, '{"kty":' + GIVEN])
def test_what_only_looks_like_another_kind_of_key_is_a_secret(text: str) -> None:
    """A text that breaks a parser of PEM or JSON is a secret like any other."""
    assert Key(text).algorithm == "HS256"
