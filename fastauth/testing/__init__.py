"""For people who test an app that uses FastAuth: a clock to move, and cheap hashing."""

from fastauth.testing.clock import ManualClock as ManualClock
from fastauth.testing.passwords import CHEAP_PASSWORDS as CHEAP_PASSWORDS
