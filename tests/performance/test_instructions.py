"""The instructions of a token's verification, counted by valgrind: the same on every run of one machine."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # half a minute for each of the four, on an idle core

MOST_FULL = 0.8
MOST_REMEMBERED = 0.03
"""How many instructions a verification may take, in those that PyJWT takes to decode the same token."""

ROUNDS = 200
WORK = """
import asyncio, sys, types
import jwt
# The core alone, which needs no more of the package: valgrind would take a minute to load FastAPI.
package = types.ModuleType("fastauth")
package.__path__ = ["fastauth"]
sys.modules["fastauth"] = package
from datetime import datetime, timedelta, timezone
from fastauth.core.keys import Key, KeyRing
from fastauth.core.settings import TokenSettings
from fastauth.core.signing import Purpose, Signer

now = datetime.now(timezone.utc)
secret, issuer, audience = "kQ3vN8xW1rT6yU2pL9sD4fG7hJ0zX5cB-mA_eR2tY8w", "https://issuer.example", "https://api.example"
issued = int(now.timestamp())
claims = {"sub": "1", "sid": "s" * 22, "jti": "j" * 22, "iat": issued, "exp": issued + 1800}

def signer(remembered):
    settings = TokenSettings(issuer=issuer, audience=audience, remembered_tokens=remembered)
    lifetimes = dict.fromkeys(Purpose, timedelta(days=1))
    return Signer(KeyRing([Key(secret, kid="one")]), settings, lifetimes=lifetimes, clock=lambda: now)

full, remembering = signer(0), signer(2048)
token = asyncio.run(full.sign(Purpose.ACCESS, claims))
key = secret.encode()
work = {
    "nothing": lambda: None,
    "pyjwt": lambda: jwt.decode(token, key, algorithms=["HS256"], issuer=issuer, audience=audience),
    "full": lambda: full.read(token, Purpose.ACCESS),
    "remembered": lambda: remembering.read(token, Purpose.ACCESS),
}
for each in work.values():
    for _ in range(20):
        each()
for _ in range(int(sys.argv[2])):
    work[sys.argv[1]]()
"""


def instructions(what: str) -> int:
    """Return how many instructions a process takes that does this :data:`ROUNDS` times."""
    run = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            sys.executable,
            "-c",
            WORK,
            what,
            f"{ROUNDS}",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        cwd=Path(__file__).parent.parent.parent,
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    assert run.returncode == 0, run.stderr[-2000:]
    assert found is not None, run.stderr[-2000:]
    return int(found[1])


def test_a_verification_takes_few_instructions() -> None:
    """The full gate takes less than PyJWT's decoding, and a token that was seen before next to nothing."""
    if shutil.which("valgrind") is None:
        reason = "valgrind is not installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    kinds = ("nothing", "pyjwt", "full", "remembered")
    with ThreadPoolExecutor(2) as pool:
        counted = dict(zip(kinds, pool.map(instructions, kinds), strict=True))
    each = {what: number - counted["nothing"] for what, number in counted.items() if what != "nothing"}
    ratios = {what: number / each["pyjwt"] for what, number in each.items()}

    assert ratios["full"] <= MOST_FULL, each
    assert ratios["remembered"] <= MOST_REMEMBERED, each
