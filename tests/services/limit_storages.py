"""The storages of the rate limits, for the tests: in memory with a clock to move, on Redis and on MongoDB."""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastauth.services.limit_storages import open_storage
from fastauth.services.limit_storages.base import LimitStorage
from fastauth.testing import ManualClock
from tests.servers import mongo_url, redis_url

StorageFactory = Callable[[ManualClock], AbstractAsyncContextManager[LimitStorage]]


@asynccontextmanager
async def memory_storage(clock: ManualClock) -> AsyncGenerator[LimitStorage, None]:
    yield open_storage("memory://", clock=clock)


@asynccontextmanager
async def redis_storage(clock: ManualClock) -> AsyncGenerator[LimitStorage, None]:
    storage = open_storage(redis_url(), clock=clock)
    yield storage
    await storage.close()


@asynccontextmanager
async def mongo_storage(clock: ManualClock) -> AsyncGenerator[LimitStorage, None]:
    storage = open_storage(limits_url("mongo-standalone"), clock=clock)
    yield storage
    await storage.close()


def limits_url(kind: str) -> str:
    """Return the address of a server for limits; the keys of each test are made with a key of its own."""
    if kind == "redis":
        return redis_url()
    server, _, query = mongo_url(kind).partition("/?")
    return f"{server}/test_limits?{query}"


LIMIT_STORAGES: dict[str, StorageFactory] = {
    "memory": memory_storage,
    "redis": redis_storage,
    "mongo-standalone": mongo_storage,
}


def own_key() -> str:
    """Return a name that no other test has."""
    return f"test:{secrets.token_hex(8)}"
