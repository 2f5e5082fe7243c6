"""The memory of verified tokens: it never accepts what the gate refuses, and it has bounds."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastauth.core.exceptions import TokenException
from fastauth.core.gate import Verified
from fastauth.core.keys import Key
from fastauth.core.settings import TokenSettings
from fastauth.core.signing import Purpose, Signer
from fastauth.core.verified_tokens import VerifiedTokens
from fastauth.testing import ManualClock
from tests.core.forge import AUDIENCE, CLAIMS, ISSUER, NOW, SECONDS, SECRET, make_signer, signed

SECRETS = [SECRET, SECRET[::-1], SECRET.swapcase()]
VERIFIED = Verified({"sub": "1"}, SECONDS - 10, SECONDS + 10)


def signer_of(first: int, others: list[int], clock: ManualClock, *, remembered: int) -> Signer:
    keys = [Key(SECRETS[each], kid=str(each)) for each in dict.fromkeys([first, *others])]
    settings = TokenSettings(issuer=ISSUER, audience=AUDIENCE, remembered_tokens=remembered)
    return make_signer(*keys, clock=clock, settings=settings)


def outcome(signer: Signer, token: str, purpose: Purpose) -> Any:
    """Return the claims, or the reason of the refusal."""
    try:
        return dict(signer.read(token, purpose))
    except TokenException as error:
        return error.reason


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_remembered_is_judged_like_what_is_not(data: st.DataObject) -> None:
    """In any order of reading, waiting, turning back the clock and changing keys, the answers are the gate's own."""
    clock = ManualClock(NOW)
    keys = st.tuples(st.integers(0, 2), st.lists(st.integers(0, 2), max_size=2))
    ring = data.draw(keys)
    remembering = signer_of(*ring, clock, remembered=3)
    tokens: list[str] = []
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(["sign", "read", "read", "read", "wait", "rotate", "change"]))
        if step == "sign":
            start = int(clock().timestamp()) + data.draw(st.integers(-30, 30))
            claims = {**CLAIMS, "iat": start, "exp": start + data.draw(st.integers(1, 1900)), "list": [[1]]}
            tokens.append(signed(remembering, data.draw(st.sampled_from(list(Purpose))), claims))
        elif step == "wait":
            clock.move(timedelta(seconds=data.draw(st.integers(-900, 900))))
        elif step == "rotate":
            ring = data.draw(keys)
            remembering = signer_of(*ring, clock, remembered=3)
        elif tokens:
            token = data.draw(st.sampled_from(tokens))
            if step == "change":
                token = token[:-5] + data.draw(st.sampled_from(["A", "-", ""])) + token[-4:]
            purpose = data.draw(st.sampled_from(list(Purpose)))
            forgetful = signer_of(*ring, clock, remembered=0)

            assert outcome(remembering, token, purpose) == outcome(forgetful, token, purpose)


def test_a_signature_is_verified_once_and_again_where_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that comes again costs no second verification, unless remembering is turned off."""
    verified: list[bytes] = []
    original: Callable[..., bool] = Key.verify
    monkeypatch.setattr(Key, "verify", lambda key, *args: (verified.append(b""), original(key, *args))[1])

    for remembered, expected in ((2048, 1), (0, 3)):
        verified.clear()
        signer = signer_of(0, [], ManualClock(NOW), remembered=remembered)
        token = signed(signer, Purpose.ACCESS, CLAIMS)
        for _ in range(3):
            signer.read(token, Purpose.ACCESS)

        assert len(verified) == expected


@pytest.mark.parametrize("change", [lambda claims: claims.update(sub="2"), lambda claims: claims["list"].append("2")])
def test_nobody_changes_what_is_remembered(change: Callable[[Any], None]) -> None:
    """What a caller does to the claims, however deep, the next caller does not see."""
    signer = make_signer()
    token = signed(signer, Purpose.ACCESS, {**CLAIMS, "list": ["1"]})

    for _ in range(3):
        claims = signer.read(token, Purpose.ACCESS)
        assert claims == {**CLAIMS, "list": ["1"]}
        change(claims)


def test_the_memory_is_bounded_by_count_and_by_size() -> None:
    """There are never more tokens than the size, nor more characters than 512 for each; the oldest go first."""
    memory = VerifiedTokens(3)
    for number in range(10):
        memory.add(f"{number}", VERIFIED)
    by_count = [number for number in range(10) if memory.get(f"{number}", SECONDS)]
    for number in range(3):
        memory.add(f"{number}" * 600, VERIFIED)
    by_size = [number for number in range(3) if memory.get(f"{number}" * 600, SECONDS)]
    memory.add("x" * 1537, VERIFIED)

    assert by_count == [7, 8, 9]
    assert by_size == [1, 2]
    assert memory.get("x" * 1537, SECONDS) is None
    assert (len(memory), repr(memory)) == (2, "VerifiedTokens(2 of 3)")


def test_a_token_that_is_added_again_is_counted_once() -> None:
    """The same token takes its room once, however often it is added."""
    memory = VerifiedTokens(2)
    for _ in range(5):
        memory.add("x" * 600, VERIFIED)

    assert memory.get("x" * 600, SECONDS) == {"sub": "1"}


@pytest.mark.parametrize(("now", "held"), [(-11, False), (-10, True), (9.5, True), (10, False)])
def test_the_times_are_compared_at_every_hit(now: float, held: bool) -> None:
    """A remembered token holds from its start to before its end, and at no other time."""
    memory = VerifiedTokens(3)
    memory.add("token", VERIFIED)

    assert (memory.get("token", SECONDS + now) is not None) is held


def test_only_a_plain_text_is_looked_up() -> None:
    """An object that claims to be equal to a token is not."""

    class Text(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return True

    memory = VerifiedTokens(3)
    memory.add("token", VERIFIED)

    assert memory.get(Text("token"), SECONDS) is None
    assert memory.get(["token"], SECONDS) is None


def test_many_threads_share_one_memory() -> None:
    """Threads that read at once, with more tokens than there is room for, all get the claims of their own token."""
    signer = signer_of(0, [], ManualClock(NOW), remembered=5)
    tokens = {f"{number}": signed(signer, Purpose.ACCESS, {**CLAIMS, "sub": f"{number}"}) for number in range(12)}
    start = threading.Barrier(4)

    def read(_: int) -> bool:
        start.wait()
        return all(
            signer.read(token, Purpose.ACCESS)["sub"] == subject for _ in range(40) for subject, token in tokens.items()
        )

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(read, range(4)))

    assert answers == [True] * 4
    assert len(signer._seen) == 5
    assert signer._seen._characters == sum(map(len, signer._seen._tokens))


def test_nothing_shows_a_remembered_token() -> None:
    """The memory's ``repr`` has numbers only."""
    signer = make_signer()
    token = signed(signer, Purpose.ACCESS, CLAIMS)
    signer.read(token, Purpose.ACCESS)

    assert token not in repr(signer._seen) + repr(vars(signer))
