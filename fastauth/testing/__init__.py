"""For people who test an app that uses FastAuth: a clock to move, an outbox to read, and cheap hashing."""

from fastauth.testing.clock import ManualClock as ManualClock
from fastauth.testing.outbox import Outbox as Outbox
from fastauth.testing.passwords import CHEAP_PASSWORDS as CHEAP_PASSWORDS
