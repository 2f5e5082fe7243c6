"""The rules of the rate limits: what is counted of an attempt, and what happens where it cannot be counted."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from fastauth import LimitSettings, RateLimitedException, StoreUnavailableException
from fastauth.core.clock import system_clock
from fastauth.services.limit_storages.base import Bucket, Count, Mark
from fastauth.services.limit_storages.memory import MemoryLimitStorage
from fastauth.services.limits import LimitedRoute, Limiter
from fastauth.testing import ManualClock

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


class RecordingStorage(MemoryLimitStorage):
    """A storage that notes what it was asked, and can be down."""

    down = False

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.calls: list[Sequence[Bucket] | Sequence[str]] = []

    async def take(self, buckets: Sequence[Bucket]) -> Count:
        self.calls.append(buckets)
        if self.down:
            raise StoreUnavailableException from ConnectionRefusedError("redis://:hush@host")
        return await super().take(buckets)

    async def give_back(self, marks: Sequence[Mark]) -> None:
        self.calls.append([mark.bucket for mark in marks])
        if self.down:
            raise StoreUnavailableException
        await super().give_back(marks)

    async def clear(self, keys: Sequence[str]) -> None:
        self.calls.append(keys)
        if self.down:
            raise StoreUnavailableException
        await super().clear(keys)


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


def limiter_on(storage: RecordingStorage, settings: LimitSettings | None = None) -> Limiter:
    return Limiter(settings or LimitSettings(), storage, key=KEY, timeout=timedelta(seconds=5))


async def test_a_sign_in_is_one_call_of_the_storage_and_a_success_another(storage: RecordingStorage) -> None:
    """All that a sign-in is counted by is counted in one call, and forgotten in one."""
    limiter = limiter_on(storage)

    await limiter.succeeded(await limiter.attempt("sign_in", account="ada", client="192.0.2.1"))

    assert [len(call) for call in storage.calls] == [3, 2]


async def test_names_and_addresses_are_not_in_the_storage(storage: RecordingStorage) -> None:
    """The storage holds neither who signs in nor from where, and another key makes other names of them."""
    await limiter_on(storage).attempt("sign_in", account="ada", client="192.0.2.1")
    other = Limiter(LimitSettings(), storage, key=OTHER_KEY, timeout=timedelta(seconds=5))
    await other.attempt("sign_in", account="ada", client="192.0.2.1")

    keys = list(storage._buckets)
    assert len(set(keys)) == 6
    assert not any("ada" in key or "192" in key for key in keys)


@pytest.mark.parametrize(
    ("route", "account", "client", "names"),
    [
        ("sign_in", "ada", "192.0.2.1", ["account", "client"]),
        ("sign_in", "ada", None, ["account"]),
        ("sign_in", None, "192.0.2.1", ["client"]),
        ("sign_in", None, None, []),
        ("refresh", "Ab3-_x", "192.0.2.1", ["account", "client"]),
        ("register", "\x00 no address \ud800@", None, ["account"]),
        ("forgot_password", "ada@example.com", "192.0.2.1", ["account", "client"]),
        ("verify_email", "ada@example.com", None, ["account"]),
    ],
)
async def test_an_attempt_is_counted_by_what_is_known(
    route: LimitedRoute, account: str | None, client: str | None, names: list[str], storage: RecordingStorage
) -> None:
    """What is known of an attempt is what it is counted by; an unknown client is no client, and not one for all."""
    attempt = await limiter_on(storage).attempt(route, account=account, client=client)

    attempt.require()
    assert [quota.name for quota in attempt.quotas] == names


async def test_a_limit_that_is_none_is_none(storage: RecordingStorage) -> None:
    """A route without limits asks the storage nothing."""
    limiter = limiter_on(storage, LimitSettings(refresh=None, refresh_per_client=None))

    attempt = await limiter.attempt("refresh", account="ada", client="192.0.2.1")
    await limiter.succeeded(attempt)
    await limiter.undecided(attempt)

    assert storage.calls == []


async def test_mails_to_one_account_are_counted_over_all_clients(storage: RecordingStorage) -> None:
    """What sends mail is counted by account whoever asks, so that no mailbox is flooded from many addresses."""
    limiter = limiter_on(storage)

    attempts = [
        await limiter.attempt("forgot_password", account="ada@example.com", client=f"192.0.2.{each}")
        for each in range(7)
    ]

    assert [attempt.retry_after > 0 for attempt in attempts] == [False] * 5 + [True] * 2
    with pytest.raises(RateLimitedException) as refusal:
        attempts[-1].require()
    assert refusal.value.retry_after == attempts[-1].retry_after


async def test_what_cannot_be_counted_is_refused(storage: RecordingStorage, caplog: pytest.LogCaptureFixture) -> None:
    """A storage that is down closes the door, and the log says why without the storage's address."""
    limiter = limiter_on(storage)
    storage.down = True

    with caplog.at_level(logging.WARNING, "fastauth"), pytest.raises(StoreUnavailableException):
        await limiter.attempt("sign_in", account="ada", client=None)

    assert "ConnectionRefusedError" in caplog.text
    assert "hush" not in caplog.text


async def test_a_success_that_cannot_be_noted_is_a_success(
    storage: RecordingStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has proved who they are is let in, although their failures cannot be forgotten; the log tells."""
    limiter = limiter_on(storage)
    attempt = await limiter.attempt("sign_in", account="ada", client=None)
    storage.down = True

    with caplog.at_level(logging.WARNING, "fastauth"):
        await limiter.succeeded(attempt)
        await limiter.unlock("ada", "ada@example.com")

    assert len(caplog.messages) == 2


async def test_an_attempt_of_which_nothing_became_is_given_back_in_one_call(storage: RecordingStorage) -> None:
    """Exactly that attempt is taken out of all that it was counted by, and the failures before it stay."""
    limiter = limiter_on(storage)
    await limiter.attempt("sign_in", account="ada", client="192.0.2.1")

    await limiter.undecided(await limiter.attempt("sign_in", account="ada", client="192.0.2.1"))

    assert [len(call) for call in storage.calls] == [3, 3, 3]
    after = await limiter.attempt("sign_in", account="ada", client="192.0.2.1")
    assert [quota.remaining for quota in after.quotas] == [8, 58]


async def test_an_attempt_that_cannot_be_given_back_stays(
    storage: RecordingStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """A storage that is down is logged, and hides no other error; what is counted stays so."""
    limiter = limiter_on(storage)
    attempt = await limiter.attempt("sign_in", account="ada", client=None)
    storage.down = True

    await limiter.undecided(attempt)

    assert "counts" in caplog.text
    storage.down = False
    assert (await limiter.attempt("sign_in", account="ada", client=None)).quotas[0].remaining == 8


async def test_a_storage_that_hangs_is_given_up() -> None:
    """A storage that does not answer is given up after the time-out."""

    class Hanging(MemoryLimitStorage):
        async def take(self, buckets: Sequence[Bucket]) -> Count:
            import anyio

            await anyio.sleep_forever()
            raise AssertionError

    limiter = Limiter(LimitSettings(), Hanging(system_clock), key=KEY, timeout=timedelta(milliseconds=20))

    with pytest.raises(StoreUnavailableException):
        await limiter.attempt("sign_in", account="ada", client=None)
    await limiter.close()
