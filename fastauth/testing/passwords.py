"""Hashing for tests: the same code as in production at the lowest cost that bcrypt has."""

from fastauth.core.settings import PasswordSettings

CHEAP_PASSWORDS = PasswordSettings(bcrypt_cost=4)
"""Pass it as ``FastAuth(passwords=...)``: a hash takes a millisecond instead of a quarter of a second."""
