"""Rate limits through four worker processes that share one storage."""

import asyncio
import secrets
from collections import Counter
from pathlib import Path

import pytest
from httpx2 import Response

from tests.services.limit_storages import limits_url
from tests.stores.test_worker_processes import serving_workers
from tests.web.helpers import refused


@pytest.mark.parametrize("kind", ["redis", "mongo-standalone", "mongo-replica-set"])
async def test_four_hundred_attempts_at_once_have_ten_looked_at(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 attempts at once over four processes, ten reach the password check and 390 are told when to return."""
    monkeypatch.setenv("FASTAUTH_TEST_LIMITS_URL", limits_url(kind))
    form = {"username": f"ada{secrets.token_hex(4)}", "password": "wrong"}
    store_url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"

    async with serving_workers(store_url, app="tests.stores.limited_app:app") as client:

        async def attempt() -> Response:
            return await client.post("/token", data=form)

        answers = await asyncio.gather(*(attempt() for _ in range(400)))

    assert Counter(answer.status_code for answer in answers) == {401: 10, 429: 390}
    for answer in answers:
        if answer.status_code == 429:
            refused(answer, 429, "RATE_LIMITED")
