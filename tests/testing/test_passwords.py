"""Cheap hashing for tests."""

import pytest

from fastauth import ConfigurationError
from fastauth.core.passwords import Passwords
from fastauth.testing import CHEAP_PASSWORDS


async def test_cheap_hashing_is_the_same_code_at_the_lowest_cost() -> None:
    """Hashes of tests have the format of production at a cost of four."""
    passwords = Passwords(CHEAP_PASSWORDS, production=False)

    stored = await passwords.hash("correct horse battery")

    assert stored.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert await passwords.verify("correct horse battery", stored) == (True, None)


def test_cheap_hashing_is_refused_in_production() -> None:
    """Nobody takes the settings of the tests into production."""
    with pytest.raises(ConfigurationError, match="too cheap for production"):
        Passwords(CHEAP_PASSWORDS, production=True)
