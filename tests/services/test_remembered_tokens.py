"""A remembered token is judged like one that is not, whatever happened to its session, its user and the keys since."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastauth import FastAuth, FastAuthException, Key, TokenException, TokenSettings
from fastauth.backends.memory import MemoryStore
from fastauth.core.signing import Purpose, Signer
from fastauth.testing import ManualClock
from tests.conftest import DEFAULTS
from tests.core.forge import CLAIMS, NOW, SECONDS, SECRET, make_signer, signed

NAMES = ("ada", "grace")
STEPS = ("sign in", "read", "read", "read", "wait", "rotate keys", "sign out", "end all", "disable", "enable", "delete")
SECRETS = (SECRET, SECRET[::-1])


class House:
    """Two ``FastAuth`` on the same store, keys and clock: one remembers three tokens, and the other none."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock(NOW)
        self.tokens: list[str] = []
        self.sessions: list[str] = []
        self.rotate([0])

    def rotate(self, ring: list[int]) -> None:
        """Take another ring of keys, as a restart of the app does."""
        keys = [Key(SECRETS[each], kid=str(each)) for each in ring]

        def remembering(size: int) -> FastAuth[Any]:
            tokens = TokenSettings(remembered_tokens=size)
            options: dict[str, Any] = {**DEFAULTS, "secret_key": keys, "clock": self.clock, "tokens": tokens}
            return FastAuth(self.store, **options)

        self.remembering, self.forgetful = remembering(3), remembering(0)

    async def user_id(self, name: str) -> str:
        """Return the user's id; somebody's who is gone where there is no such user."""
        account = await self.forgetful.accounts.find(name)
        return "0" if account is None else account.id

    async def sign_in(self, name: str) -> None:
        account = await self.forgetful.accounts.find(name)
        if account is not None:
            pair = await self.forgetful.sessions.start(account)
            self.tokens.append(pair.access_token)
            self.sessions.append(pair.session_id)

    async def answers(self, token: str) -> tuple[Any, Any]:
        """Return what each of the two says of the token."""
        return await outcome(self.remembering, token), await outcome(self.forgetful, token)


async def outcome(auth: FastAuth[Any], token: str) -> Any:
    """Return the account and the claims behind the token, or why it is refused."""
    said: list[Any] = []
    for look in (auth.sessions.authenticate, _read(auth)):
        try:
            said.append(await look(token))
        except FastAuthException as error:  # noqa: PERF203
            said.append((type(error), getattr(error, "reason", None)))
    return said


def _read(auth: FastAuth[Any]) -> Callable[[str], Awaitable[Any]]:
    async def read(token: str) -> Any:
        return auth.sessions.read(token)

    return read


async def act(house: House, step: str, data: st.DataObject) -> None:
    """Let something happen; what is refused has not happened."""
    name, accounts, sessions = data.draw(st.sampled_from(NAMES)), house.forgetful.accounts, house.forgetful.sessions
    try:
        if step == "sign in":
            await house.sign_in(name)
        elif step == "wait":
            house.clock.move(timedelta(seconds=data.draw(st.sampled_from([-5, 1, 60, 1795, 1815]))))
        elif step == "rotate keys":
            house.rotate(data.draw(st.sampled_from([[0], [1], [0, 1], [1, 0]])))
        elif step == "sign out" and house.sessions:
            await sessions.end(data.draw(st.sampled_from(house.sessions)))
        elif step == "end all":
            await sessions.end_all(await house.user_id(name))
        elif step in {"disable", "enable", "delete"}:
            await getattr(accounts, step)(await house.user_id(name))
    except FastAuthException:
        pass


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_happened_since_counts(data: st.DataObject) -> None:
    """After any sign-outs, disablings, deletions, waits, evictions and other keys, both give the same answer."""

    async def run() -> None:
        house = House()
        await house.forgetful.initialize_db()
        for name in NAMES:
            await house.forgetful.accounts.create(name, f"{name}@example.com", "correct horse battery staple")
            await house.sign_in(name)
        for _ in range(data.draw(st.integers(1, 20))):
            step = data.draw(st.sampled_from(STEPS))
            if step == "read":
                remembering, forgetful = await house.answers(data.draw(st.sampled_from(house.tokens)))
                assert remembering == forgetful
            else:
                await act(house, step, data)
        for token in house.tokens:
            remembering, forgetful = await house.answers(token)
            assert remembering == forgetful

    asyncio.run(run())


class Ticking:
    """A clock that goes on at every look, in whichever thread."""

    def __init__(self) -> None:
        self._clock = ManualClock(NOW)
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        """Return the time, which is later than any before."""
        with self._lock:
            self._clock.move(timedelta(seconds=1))
            return self._clock()


def test_threads_that_read_while_tokens_expire_and_are_forgotten() -> None:
    """A token is accepted by a thread only while it holds, and one of another key never; none is refused before."""
    clock: Any = Ticking()
    signer = make_signer(clock=clock, settings=TokenSettings(leeway=timedelta(0), remembered_tokens=4))
    stranger = make_signer(Key(SECRETS[1], kid="one"), settings=TokenSettings())
    claims = {name: value for name, value in CLAIMS.items() if name not in {"iss", "aud"}}
    tokens = {
        signed(signer, Purpose.ACCESS, {**claims, "sub": f"{number}", "exp": SECONDS + 200 * number}): number
        for number in range(1, 9)
    }
    foreign = [signed(stranger, Purpose.ACCESS, {**claims, "sub": f"{number}"}) for number in range(3)]
    start = threading.Barrier(4)

    def read(_: int) -> list[str]:
        start.wait()
        return [problem for _ in range(60) for problem in looks(signer, clock, tokens, foreign)]

    with ThreadPoolExecutor(4) as pool:
        problems = [problem for found in pool.map(read, range(4)) for problem in found]

    assert problems == []
    assert len(signer._seen) <= 4


def looks(signer: Signer, clock: Ticking, tokens: dict[str, int], foreign: list[str]) -> list[str]:
    """Read every token once, and return what was wrong with the answers."""
    problems = []
    for token, number in tokens.items():
        ends = SECONDS + 200 * number
        before = clock().timestamp()
        try:
            accepted = signer.read(token, Purpose.ACCESS)["sub"] == f"{number}"
        except TokenException:
            if clock().timestamp() < ends:
                problems.append("refused too early")
        else:
            if not accepted or before >= ends:
                problems.append("accepted too long, or for another")
    for token in foreign:
        try:
            signer.read(token, Purpose.ACCESS)
        except TokenException:
            continue
        problems.append("another key's")
    return problems
