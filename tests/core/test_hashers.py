"""bcrypt without its trap: the format of new hashes, known vectors, and the hashes made elsewhere."""

import re

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastauth.core import hashers
from fastauth.core.hashers import BcryptHasher

HASHER = BcryptHasher(4)
PASSLIB = "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2"
SALT, DIGEST = "n79VH.0Q2TMWmt3Oqt9uku", "Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2"


def plain(password: bytes, prefix: str = "2b", cost: int = 4) -> str:
    """Return a hash as bcrypt itself makes it."""
    salt = bcrypt.gensalt(cost).replace(b"$2b$", f"${prefix}$".encode())
    return bcrypt.hashpw(password, salt).decode()


@pytest.mark.parametrize(("password", "same"), [("password", True), ("Password", False), ("password ", False)])
def test_a_hash_that_passlib_made_is_verified(password: str, same: bool) -> None:
    """The format is passlib's own: a hash from its documentation is read as passlib reads it."""
    assert HASHER.verify(password, PASSLIB) is same


def test_a_new_hash_carries_scheme_and_cost_and_a_fresh_salt() -> None:
    """The stored text says how it was made, and one password never makes one hash twice."""
    first, second = HASHER.hash("password"), HASHER.hash("password")

    assert re.fullmatch(r"\$bcrypt-sha256\$v=2,t=2b,r=4\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}", first)
    assert first != second
    assert first.split("$")[3] != second.split("$")[3]
    assert "r=5$" in BcryptHasher(5).hash("password")


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
def test_plain_bcrypt_hashes_are_verified(prefix: str) -> None:
    """A hash with any of bcrypt's prefixes is compared as its maker made it."""
    stored = plain(b"correct horse battery", prefix)

    assert stored.startswith(f"${prefix}$")
    assert HASHER.recognizes(stored)
    assert HASHER.verify("correct horse battery", stored)
    assert not HASHER.verify("correct horse batterz", stored)


def test_a_plain_hash_of_a_long_password_is_compared_as_it_was_cut() -> None:
    """Who made a plain hash cut the password at 72 bytes; so do we, or the owner could never sign in."""
    password = "é" * 36 + "the rest that bcrypt never saw"
    stored = plain(password.encode()[:72])

    assert HASHER.verify(password, stored)
    assert not HASHER.verify("é" * 35 + "e" + "the rest", stored)


@pytest.mark.parametrize("length", [1, 71, 72, 73, 100, 255, 256, 1024])
def test_every_byte_of_a_password_counts(length: int) -> None:
    """Passwords that differ in their last byte only are never taken for one another."""
    password, other = "x" * (length - 1) + "a", "x" * (length - 1) + "b"
    stored = HASHER.hash(password)

    assert HASHER.verify(password, stored)
    assert not HASHER.verify(other, stored)
    assert not HASHER.verify(password[:-1], stored)
    assert not HASHER.verify(password + "a", stored)


@pytest.mark.parametrize("control", ["\0", "\x01", "\n", "\x7f", "\x80", "\ufeff", "\u200b"])
def test_a_control_character_ends_nothing(control: str) -> None:
    """What stands behind a NUL or another control character counts like what stands before."""
    stored = HASHER.hash(f"abc{control}def")

    assert HASHER.verify(f"abc{control}def", stored)
    for other in ("abc", f"abc{control}", f"abc{control}xyz", "abcdef"):
        assert not HASHER.verify(other, stored)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_bcrypt_is_given_44_characters_of_ascii_for_any_password(password: str) -> None:
    """Whatever the password, bcrypt reads base64 of one length, whole and without a NUL."""
    given_to_bcrypt: list[bytes] = []

    class Listening:
        gensalt = staticmethod(bcrypt.gensalt)

        @staticmethod
        def hashpw(value: bytes, salt: bytes) -> bytes:
            given_to_bcrypt.append(value)
            return bcrypt.hashpw(value, salt)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashers, "bcrypt", Listening)
        stored = HASHER.hash(password)
        verified = HASHER.verify(password, stored)

    assert verified
    assert len(given_to_bcrypt) == 2
    assert given_to_bcrypt[0] == given_to_bcrypt[1]
    assert re.fullmatch(rb"[A-Za-z0-9+/]{43}=", given_to_bcrypt[0])


@pytest.mark.parametrize("password", ["", "\ud800", "x" * 100_000, "\0"])
def test_no_password_makes_a_crash(password: str) -> None:
    """Half a surrogate pair, nothing, a NUL and very much are compared with both kinds of hashes."""
    wrapped = HASHER.hash(password)

    assert HASHER.verify(password, wrapped)
    assert not HASHER.verify(password + "x", wrapped)
    assert not HASHER.verify(password, plain(b"other"))


@pytest.mark.parametrize(
    ("stored", "recognized"),
    [
        (PASSLIB, True),
        (f"$2b$12${SALT}{DIGEST}", True),
        (f"$bcrypt-sha256$v=2,t=2b,r=31${SALT}${DIGEST}", True),
        (f"$2y$04${SALT}{DIGEST}", True),
        ("", False),
        ("!", False),
        ("password", False),
        (f"$bcrypt-sha256$v=1,t=2b,r=12${SALT}${DIGEST}", False),
        (f"$bcrypt-sha256$v=2,t=2a,r=12${SALT}${DIGEST}", False),
        (f"$bcrypt-sha256$v=2,t=2b,r=3${SALT}${DIGEST}", False),
        (f"$bcrypt-sha256$v=2,t=2b,r=32${SALT}${DIGEST}", False),
        (f"$bcrypt-sha256$v=2,t=2b,r=120${SALT}${DIGEST}", False),
        (f"$bcrypt-sha256$v=2,t=2b,r=12${SALT}${DIGEST[:-1]}", False),
        (f"$bcrypt-sha256$v=2,t=2b,r=12${SALT}${DIGEST}x", False),
        (f"$bcrypt-sha256$v=2,t=2b,r=12${SALT}${DIGEST}\n", False),
        (f" {PASSLIB}", False),
        (f"$2x$12${SALT}{DIGEST}", False),
        (f"$2b$03${SALT}{DIGEST}", False),
        (f"$2b$32${SALT}{DIGEST}", False),
        (f"$2b$4${SALT}{DIGEST}", False),
        (f"$2b$12${SALT}{DIGEST}x", False),
        (f"$2b$12${SALT}{DIGEST[:-1]}", False),
        (f"$2b$12${SALT[:-1]}*{DIGEST}", False),
        (f"$2b$12${SALT[:-1]}é{DIGEST}", False),
        ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG", False),
        ("pbkdf2_sha256$870000$salt$aGFzaA==", False),
    ],
)
def test_only_well_formed_hashes_of_bcrypt_are_recognized(stored: str, recognized: bool) -> None:
    """What is foreign, cut, of an impossible cost or has something around it is no hash of ours."""
    assert HASHER.recognizes(stored) is recognized


@pytest.mark.parametrize(
    "stored", [f"$2b$04${'z' * 22}{DIGEST}", f"$bcrypt-sha256$v=2,t=2b,r=4${'z' * 22}${DIGEST}"], ids=["plain", "new"]
)
def test_whatever_is_recognized_can_be_compared(stored: str) -> None:
    """A hash that is recognized never makes the comparison raise, however it was broken."""
    assert not HASHER.recognizes(stored) or not HASHER.verify("password", stored)


@pytest.mark.parametrize(
    ("stored", "needed"),
    [
        (HASHER.hash("password"), False),
        (BcryptHasher(5).hash("password"), True),
        (PASSLIB, True),
        (plain(b"password"), True),
        (plain(b"password", cost=5), True),
    ],
    ids=["ours", "of a higher cost", "of the usual cost", "plain", "plain and of a higher cost"],
)
def test_a_hash_that_is_plain_or_of_another_cost_is_to_be_made_anew(stored: str, needed: bool) -> None:
    """Only a hash of the present format and cost is left as it is."""
    assert HASHER.needs_rehash(stored) is needed


def test_a_decoy_looks_like_a_hash_and_is_one_of_nothing() -> None:
    """A decoy has the form and cost of a new hash, is another one each time, and no password makes it."""
    decoy = HASHER.decoy()

    assert HASHER.recognizes(decoy)
    assert not HASHER.needs_rehash(decoy)
    assert decoy != HASHER.decoy()
    assert not any(HASHER.verify(password, decoy) for password in ("", "password", decoy))
