"""For people who test an app that uses FastAuth: who is signed in, a clock to move, an outbox to read, cheap hashing.

``auth.testing`` is the kit of one ``FastAuth``.
"""

from fastauth.testing.clock import ManualClock as ManualClock
from fastauth.testing.kit import TEST_PASSWORD as TEST_PASSWORD
from fastauth.testing.kit import AuthTesting as AuthTesting
from fastauth.testing.memory import memory_auth as memory_auth
from fastauth.testing.outbox import Outbox as Outbox
from fastauth.testing.passwords import CHEAP_PASSWORDS as CHEAP_PASSWORDS
