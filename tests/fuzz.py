"""Mutated tokens, cookies and headers by the million: no exception but ours, and nothing is accepted that was changed.

``python -m tests.fuzz --count 10000000 --seed 1 --processes 2``; each process has its own share and its own seed.
"""

import argparse
import asyncio
import random
import string
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from starlette.requests import HTTPConnection

from fastauth import CookieSettings, FastAuth, Key, TokenSettings
from fastauth.backends.memory import MemoryStore
from fastauth.core.exceptions import BadRequestException, CSRFException, FastAuthException, TokenException
from fastauth.core.keys import KeyRing
from fastauth.core.signing import Purpose, Signer
from fastauth.testing import ManualClock
from tests.core.forge import AUDIENCE, ISSUER, LIFETIMES, NOW, REFRESH_CLAIMS, SECRET
from tests.core.pems import ED25519, P256

ALPHABET = string.ascii_letters + string.digits + "-_.=+/ "
ODD = "\0\t\n\r\x7f\x80\x85\xa0\xff\u0661\uff21\ud800\udfff\U0001f600;,\"'{}[]:"
WORDS = ["Bearer ", "bearer", ".", "..", "=", "eyJhbGciOiJub25lIn0", "e30", "null", "%00", "AAAA"]


def mutated(text: str, rng: random.Random) -> str:
    """Return the text after one to four edits."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        kind = rng.randrange(8)
        if kind <= 2:
            text = text[:at] + rng.choice(ALPHABET) + text[at + 1 :]
        elif kind == 3:
            text = text[:at] + rng.choice(ALPHABET + ODD) + text[at:]
        elif kind == 4:
            text = text[:at] + text[to:]
        elif kind == 5:
            text = text[:to] + text[at:to] + text[to:]
        elif kind == 6:
            text = text[:at] + rng.choice(WORDS) + text[at:]
        else:
            text = text[:at] + "".join(rng.choices(ALPHABET, k=4)) + text[at + 4 :]
        if len(text) > 6000 or not text:
            text = text[:100] or "x"
    return text


async def share(count: int, seed: int) -> Counter[str]:
    """Run one process's share, and return what came of it."""
    rng = random.Random(seed)
    clock = ManualClock(NOW)
    # Mostly the secret, whose signatures are cheap; the others are met often enough.
    ring = KeyRing([Key(SECRET, kid="one"), Key(P256, algorithm="ES256"), Key(ED25519, algorithm="EdDSA")])
    settings = TokenSettings(issuer=ISSUER, audience=AUDIENCE)
    tokens: list[tuple[str, Purpose]] = []
    for key in ring:
        signer = Signer(KeyRing([key]), settings, lifetimes=LIFETIMES, clock=clock)
        tokens += [
            (await signer.sign(purpose, REFRESH_CLAIMS), purpose) for purpose in (Purpose.ACCESS, Purpose.REFRESH)
        ]
    signer = Signer(ring, settings, lifetimes=LIFETIMES, clock=clock)
    for token, purpose in tokens:
        assert signer.read(token, purpose)
    originals = {token for token, _ in tokens}
    auth: FastAuth[Any] = FastAuth(
        MemoryStore(),
        secret_key=Key(SECRET, kid="one"),
        use_cookie=True,
        clock=clock,
        tokens=settings,
        cookies=CookieSettings(),
    )
    found: Counter[str] = Counter()

    def by_token(token: str, purpose: Purpose) -> None:
        text = mutated(token, rng)
        try:
            signer.read(text, purpose)
        except TokenException as error:
            found[error.reason] += 1
        else:
            found["unchanged" if text in originals else f"ACCEPTED {text!r}"] += 1

    transport: Any = auth._dependencies.current_account._transport

    def by_request(headers: list[tuple[bytes, bytes]]) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": "/",
            "query_string": b"",
            "headers": headers,
        }
        try:
            token = transport.access_token(HTTPConnection(scope), lambda text: auth.sessions.read(text).session_id)
            if token is not None:
                auth.sessions.read(token)
        except (BadRequestException, CSRFException, TokenException) as error:
            found[type(error).__name__] += 1
        else:
            found[
                "nothing sent" if token is None else "unchanged" if token in originals else f"ACCEPTED {token!r}"
            ] += 1

    def by_header(token: str, _: Purpose) -> None:
        by_request([(b"host", b"api.example"), (b"authorization", raw(mutated(f"Bearer {token}", rng)))])

    def by_cookie(token: str, _: Purpose) -> None:
        by_request([(b"host", b"api.example"), (b"cookie", raw(mutated(f"__Host-fastauth_access={token}; a=b", rng)))])

    kinds: list[Callable[[str, Purpose], None]] = [by_token] * 8 + [by_header, by_cookie]
    for _ in range(count):
        # Nine of ten are the HS256 pair.
        token, purpose = rng.choice(tokens[:2]) if rng.random() < 0.9 else rng.choice(tokens[2:])
        try:
            rng.choice(kinds)(token, purpose)
        except FastAuthException as error:
            found[f"OTHER {type(error).__name__}"] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            found[f"RAISED {type(error).__name__}: {error}"] += 1
    return found


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def run(count: int, seed: int) -> Counter[str]:
    return asyncio.run(share(count, seed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()
    each = options.count // options.processes
    with ProcessPoolExecutor(options.processes) as pool:
        seeds = [options.seed * 1000 + number for number in range(options.processes)]
        found = sum(pool.map(run, [each] * options.processes, seeds), Counter[str]())
    for outcome, count in found.most_common():
        sys.stdout.write(f"{count:>10}  {outcome}\n")
    sys.stdout.write(f"{found.total()} mutations in {time.monotonic() - started:.0f} s\n")
    return any(outcome.startswith(("ACCEPTED", "RAISED", "OTHER")) for outcome in found)


if __name__ == "__main__":
    sys.exit(main())
