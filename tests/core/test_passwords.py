"""Passwords: one computation whatever the outcome, off the event loop."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.hashers import BcryptHasher
from fastauth.core.passwords import Passwords
from fastauth.core.settings import PasswordSettings
from tests.core.other_hashers import ScryptHasher, WatchedHasher

PASSWORD = "correct horse battery"
ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"


def cheap(**options: Any) -> Passwords:
    return Passwords(PasswordSettings(bcrypt_cost=4, **options), production=False)


@pytest.mark.parametrize(
    ("stored_as", "typed", "same"),
    [
        (PASSWORD, PASSWORD, True),
        ("e\u0301" * 8, "é" * 8, True),
        ("é" * 8, "e\u0301" * 8, True),
        ("\u212b" * 8, "\u00c5" * 8, True),  # the Ångström sign is the letter
        (PASSWORD, PASSWORD.upper(), False),
        (PASSWORD, PASSWORD + " ", False),
        (PASSWORD, " " + PASSWORD, False),
        ("\ufb01" * 8, "fi" * 8, False),  # NFKC would make them one
        ("\uff21" * 8, "A" * 8, False),
        ("\U0001f600" * 64, "\U0001f600" * 63 + "\U0001f601", False),
        ("x" * 1023 + "a", "x" * 1023 + "b", False),
    ],
)
async def test_nothing_but_nfc_happens_to_a_password(stored_as: str, typed: str, same: bool) -> None:
    """What looks the same by composition is the same; nothing is trimmed, folded, widened or cut."""
    passwords = cheap()

    assert (await passwords.verify(typed, await passwords.hash(stored_as))).ok is same


FAILURES: dict[str, tuple[str, str | None]] = {
    "unknown user": (PASSWORD, None),
    "empty hash": (PASSWORD, ""),
    "unusable hash": (PASSWORD, "!"),
    "foreign hash": (PASSWORD, ARGON2),
    "broken hash": (PASSWORD, "$bcrypt-sha256$v=2,t=2b,r=4$cut"),
    "broken plain hash": (PASSWORD, "$2b$04$cut"),
    "hash of an impossible cost": (PASSWORD, f"$2b$99${'a' * 53}"),
    "wrong password": (PASSWORD, BcryptHasher(4).hash("another password")),
    "wrong password for a plain hash": (PASSWORD, bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()),
    "empty password": ("", BcryptHasher(4).hash(PASSWORD)),
    "empty password and unknown user": ("", None),
    "long password": ("x" * 1025, BcryptHasher(4).hash(PASSWORD)),
    "over-long password": ("x" * 100_000, BcryptHasher(4).hash(PASSWORD)),
    "over-long password and unknown user": ("x" * 100_000, None),
    "no Unicode": ("\ud800" * 8, BcryptHasher(4).hash(PASSWORD)),
}


@pytest.mark.parametrize(("password", "stored"), FAILURES.values(), ids=FAILURES)
async def test_r_lg_5_every_failure_costs_exactly_one_computation(password: str, stored: str | None) -> None:
    """Whatever is wrong, the answer is no, and one hash was computed for it: no more and no less."""
    hasher = WatchedHasher()

    verification = await cheap(hasher=hasher).verify(password, stored)

    assert verification == (False, None)
    assert hasher.computed == ["verify"]


async def test_the_right_password_costs_one_computation_and_an_old_hash_one_more() -> None:
    """A hash of today is compared and kept; one of yesterday is compared and made anew."""
    hasher = WatchedHasher()
    passwords = cheap(hasher=hasher)

    today = await passwords.verify(PASSWORD, BcryptHasher(4).hash(PASSWORD))
    yesterday = await passwords.verify(PASSWORD, BcryptHasher(5).hash(PASSWORD))

    assert today == (True, None)
    assert yesterday.ok
    assert hasher.computed == ["verify", "verify", "hash"]


def test_a_hash_is_recognized_by_the_hasher_of_the_app_or_by_bcrypt() -> None:
    """What can be verified is known beforehand: our own hashes, plain ones, and those of the app's hasher."""
    own = ScryptHasher().decoy()

    assert cheap().recognizes(BcryptHasher(4).decoy())
    assert cheap().recognizes(f"$2y$04${'.' * 53}")
    assert cheap(hasher=ScryptHasher()).recognizes(own)
    assert not any(cheap().recognizes(stored) for stored in (own, ARGON2, "", "!", PASSWORD))


@pytest.mark.parametrize("prefix", [b"$2a$", b"$2b$", b"$2y$"])
async def test_a_plain_hash_is_verified_and_made_anew(prefix: bytes) -> None:
    """A plain bcrypt hash of the right password comes back as one in which every byte counts."""
    passwords = cheap()
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4).replace(b"$2b$", prefix)).decode()

    ok, new_hash = await passwords.verify(PASSWORD, stored)

    assert ok
    assert new_hash is not None
    assert new_hash.startswith("$bcrypt-sha256$")
    assert await passwords.verify(PASSWORD, new_hash) == (True, None)


async def test_another_hasher_makes_the_new_hashes_and_bcrypt_reads_the_old_ones() -> None:
    """With a hasher of the app's own, new hashes are its own, and bcrypt hashes become such at the next sign-in."""
    passwords = cheap(hasher=ScryptHasher())
    new = await passwords.hash(PASSWORD)
    old = BcryptHasher(4).hash(PASSWORD)

    ok, upgraded = await passwords.verify(PASSWORD, old)

    assert new.startswith("$toy-scrypt$")
    assert await passwords.verify(PASSWORD, new) == (True, None)
    assert await passwords.verify("wrong", new) == await passwords.verify("wrong", old) == (False, None)
    assert await passwords.verify(PASSWORD, None) == (False, None)
    assert ok
    assert upgraded is not None
    assert upgraded.startswith("$toy-scrypt$")


async def test_a_hash_of_a_hasher_that_is_gone_is_no_hash() -> None:
    """Without the hasher that made it, a hash is foreign, and nobody signs in with it."""
    stored = await cheap(hasher=ScryptHasher()).hash(PASSWORD)

    assert await cheap().verify(PASSWORD, stored) == (False, None)


def test_a_hasher_of_the_apps_own_is_not_judged_by_the_cost_of_bcrypt() -> None:
    """Production's floor under bcrypt's cost concerns nobody who hashes with something else."""
    Passwords(PasswordSettings(bcrypt_cost=4, hasher=ScryptHasher()), production=True)
    Passwords(PasswordSettings(bcrypt_cost=10), production=True)

    with pytest.raises(ConfigurationError, match=r"bcrypt_cost=9\) is too cheap for production; use at least 10"):
        Passwords(PasswordSettings(bcrypt_cost=9), production=True)


async def test_hashing_happens_off_the_event_loop() -> None:
    """Neither a hash nor a comparison nor a decoy is computed in the thread of the event loop."""
    hasher = WatchedHasher()
    passwords = cheap(hasher=hasher)

    await passwords.verify(PASSWORD, await passwords.hash(PASSWORD))
    await passwords.verify(PASSWORD, None)

    assert len(hasher.computed) == 3
    assert threading.get_ident() not in hasher.threads


async def test_as_many_hashes_are_computed_at_once_as_there_are_threads() -> None:
    """With three threads three hashes meet, and each waits for the others."""
    meeting = threading.Barrier(3, timeout=20)
    passwords = cheap(threads=3, hasher=WatchedHasher(during=lambda password: meeting.wait()))

    hashes = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(3)))

    assert len(set(hashes)) == 3


async def test_one_thread_computes_one_hash_at_a_time() -> None:
    """With one thread no two hashes are ever computed at once."""
    busy = threading.Lock()
    seen: list[bool] = []

    def look(_: str) -> None:
        free = busy.acquire(blocking=False)
        seen.append(free)
        if free:
            bcrypt.hashpw(b"a while", b"$2b$04$" + b"." * 22)
            busy.release()

    passwords = cheap(threads=1, hasher=WatchedHasher(during=look))
    await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(10)))

    assert seen == [True] * 10


@pytest.mark.skipif(sys.platform != "linux", reason="niceness belongs to the thread on Linux only")
async def test_hashing_gives_way_to_the_rest_of_the_process() -> None:
    """The threads that hash run at a lower priority than the one that answers requests."""
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    niceness: list[int] = []
    hasher = WatchedHasher(lambda _: niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))

    await cheap(hasher=hasher).hash(PASSWORD)

    assert niceness == [max(10, mine)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine


def _forbidden(*_: object) -> None:
    raise PermissionError("Operation not permitted")


@pytest.mark.parametrize(
    "spoil",
    [lambda patch: patch.setattr(os, "setpriority", _forbidden), lambda patch: patch.delattr(os, "setpriority")],
    ids=["forbidden", "missing"],
)
async def test_hashing_goes_on_where_the_priority_cannot_be_set(
    spoil: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a thread may not be nicer, or cannot be, passwords are hashed all the same."""
    spoil(monkeypatch)
    passwords = cheap()

    assert (await passwords.verify(PASSWORD, await passwords.hash(PASSWORD))).ok


async def test_threads_that_were_let_go_come_back_with_the_next_password() -> None:
    """Closing ends the threads, may be done again, and does not end the usefulness."""
    hasher = WatchedHasher()
    passwords = cheap(threads=1, hasher=hasher)
    await passwords.hash(PASSWORD)
    [before] = [thread for thread in threading.enumerate() if thread.ident in hasher.threads]

    passwords.close()
    passwords.close()
    alive_after_close = before.is_alive()
    stored = await passwords.hash(PASSWORD)

    assert not alive_after_close
    assert (await passwords.verify(PASSWORD, stored)).ok
