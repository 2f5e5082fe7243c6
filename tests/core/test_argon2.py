"""Argon2: the hashes of others are verified and made anew, and new ones may be of this kind."""

import asyncio
import subprocess
import sys

import argon2
import pytest

from fastauth import PasswordSettings
from fastauth.core.argon2 import Argon2Hasher
from fastauth.core.passwords import Passwords

CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.mark.parametrize("kind", argon2.Type)
def test_hashes_of_every_kind_are_verified(kind: argon2.Type) -> None:
    """A hash that argon2-cffi made elsewhere is recognised, and only its password is right."""
    stored = argon2.PasswordHasher(1, 8, 1, type=kind).hash("pässword")

    assert CHEAP.recognizes(stored)
    assert CHEAP.verify("pässword", stored)
    assert not CHEAP.verify("password", stored)


@pytest.mark.parametrize("stored", ["", "$argon2id$", "$argon2id$v=19$m=x,t=1,p=1$c2FsdA$aGFzaA", "$2b$04$" + "." * 53])
def test_what_is_no_argon2_hash_is_not_recognised(stored: str) -> None:
    """Another hash, or a damaged one, is nobody's."""
    assert not CHEAP.recognizes(stored)
    assert not CHEAP.verify("password", stored)


def test_new_hashes_have_the_costs_that_were_set() -> None:
    """A new hash is Argon2id of the given costs; one of other costs should be made anew."""
    made = CHEAP.hash("password")

    assert made.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert CHEAP.verify("password", made)
    assert not CHEAP.needs_rehash(made)
    assert Argon2Hasher(time_cost=2, memory_cost=8, parallelism=1).needs_rehash(made)
    assert CHEAP.recognizes(CHEAP.decoy())


def test_a_foreign_hash_is_made_anew_at_sign_in() -> None:
    """With ``verifies``, the right password brings a hash of ours; a wrong one brings nothing."""
    passwords = Passwords(PasswordSettings(bcrypt_cost=4, verifies=[CHEAP]), production=False)
    stored = CHEAP.hash("password")

    async def verify(password: str) -> tuple[bool, str]:
        ok, new = await passwords.verify(password, stored)
        return ok, (new or "")[:15]

    right, wrong = asyncio.run(verify("password")), asyncio.run(verify("wrong"))
    passwords.close()

    assert passwords.recognizes(stored)
    assert (right, wrong) == ((True, "$bcrypt-sha256$"), (False, ""))


def test_without_argon2_it_is_said_what_to_install() -> None:
    """Without argon2-cffi the import says which extra has it."""
    code = "import sys; sys.modules['argon2'] = None; import fastauth.core.argon2"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "pip install 'fastauth[argon2]'" in run.stderr
