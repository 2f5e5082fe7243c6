"""Counts in MongoDB, for several processes: one document per bucket, counted by the server in one step.

A standalone server has no step over several documents. So they are counted one after the other, and given back when a
later one is full: for a moment a bucket may look fuller than it is, and never emptier.
"""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import AsyncMongoClient, ReturnDocument, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from fastauth.core.exceptions import StoreUnavailableException
from fastauth.services.limit_storages.base import Bucket, Count, Mark, Standing, new_count, standing_of

_DATABASE = "fastauth"
_COLLECTION = "fastauth_limits"
_PATIENCE = 2000  # milliseconds, and not half a minute, with a server that is not there
_NOW: Any = {
    "$toLong": "$$NOW"
}  # the server's clock, in milliseconds: those of the processes may differ, or be set back


class MongoLimitStorage:
    """A storage on MongoDB, in the collection ``fastauth_limits``.

    Args:
        uri: Such as ``mongodb://user:password@host/app``; without a database, it is ``fastauth``.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._database: str = _database_of(uri)
        self._client: AsyncMongoClient[dict[str, Any]] | None = None
        self._indexed = False

    async def take(self, buckets: Sequence[Bucket]) -> Count:
        """Count an attempt in every bucket, or in none."""
        with _mapped():
            collection = await self._open()
            states: list[dict[str, Any]] = []
            for bucket in buckets:
                states.append(await _count(collection, bucket))
                if not states[-1]["allowed"]:
                    break
            allowed = states[-1]["allowed"]
            # Where it is not allowed, the last one has not counted it.
            marks = [_mark(*pair) for pair in zip(buckets, states if allowed else states[:-1], strict=False)]
            if not allowed:
                for mark, state in zip(marks, states, strict=False):
                    await _give_back(collection, mark)
                    state["hits"] -= 1
                now = states[-1]["now"]
                for bucket in buckets[len(states) :]:
                    states.append(await collection.find_one({"_id": bucket.key}) or _EMPTY)
                    states[-1] = {**states[-1], "now": now}
            standings = [_standing(*pair) for pair in zip(buckets, states, strict=True)]
            return Count(allowed, standings, marks if allowed else ())

    async def give_back(self, marks: Sequence[Mark]) -> None:
        """Take one attempt out of each bucket that it is still counted in."""
        with _mapped():
            collection = await self._open()
            for mark in marks:
                await _give_back(collection, mark)

    async def clear(self, keys: Sequence[str]) -> None:
        """Empty these buckets."""
        with _mapped():
            await (await self._open()).delete_many({"_id": {"$in": list(keys)}})

    async def close(self) -> None:
        """Give connections back."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _open(self) -> AsyncCollection[dict[str, Any]]:
        if self._client is None:
            self._client = AsyncMongoClient(self._uri, serverSelectionTimeoutMS=_patience_of(self._uri))
        database = self._client[self._database]
        collection = database.get_collection(_COLLECTION, write_concern=WriteConcern("majority"))
        if not self._indexed:
            await collection.create_index("expires", expireAfterSeconds=0)
            self._indexed = True
        return collection


def _patience_of(uri: str) -> int:
    chosen = re.search(r"[?&]serverSelectionTimeoutMS=(\d+)", uri, re.IGNORECASE)
    return int(chosen[1]) if chosen else _PATIENCE


def _database_of(uri: str) -> str:
    # Read without asking the DNS, which an address with +srv does only when it is connected to.
    return parse_uri(uri.replace("mongodb+srv://", "mongodb://", 1))["database"] or _DATABASE


_EMPTY: dict[str, Any] = {"hits": 0, "ends": 0, "opens": 0}


@contextmanager
def _mapped() -> Generator[None, None, None]:
    try:
        yield
    except (PyMongoError, OSError) as error:
        raise StoreUnavailableException from error


async def _count(collection: AsyncCollection[dict[str, Any]], bucket: Bucket) -> dict[str, Any]:
    # Two attempts that both make the document: the server tries the later one again by itself.
    state: Any = await collection.find_one_and_update(
        {"_id": bucket.key}, _counting(bucket), upsert=True, return_document=ReturnDocument.AFTER
    )
    counted: dict[str, Any] = state
    return counted


def _mark(bucket: Bucket, state: dict[str, Any]) -> Mark:
    return Mark(bucket, state["began"], state["ends"], state["opens"])


async def _give_back(collection: AsyncCollection[dict[str, Any]], mark: Mark) -> None:
    bucket = mark.bucket
    one_less = {name: {"$max": [0, {"$subtract": [f"${name}", 1]}]} for name in ("hits", "streak")}
    hits: Any = {"$cond": [{"$eq": ["$ends", mark.ends]}, one_less["hits"], "$hits"]}
    # Before the attempt it was open, or it would not have been counted.
    is_open: Any = {"$or": [{"$eq": ["$opens", mark.opens]}, {"$lt": ["$streak", bucket.amount]}]}
    is_full_for_ever: Any = {"$and": [bucket.window is None, {"$gte": ["$hits", bucket.amount]}]}
    kept_until: Any = {"$ifNull": ["$expires", {"$add": ["$$NOW", bucket.keep * 1000]}]}
    change: Any = [
        {"$set": {"hits": hits, "streak": one_less["streak"]}},
        {
            "$set": {
                "opens": {"$cond": [is_open, 0, "$opens"]},
                "expires": {"$cond": [is_full_for_ever, None, kept_until]},
            }
        },
    ]
    await collection.update_one({"_id": bucket.key, "began": mark.began}, change)


def _counting(bucket: Bucket) -> list[dict[str, Any]]:
    window = (bucket.window or 0) * 1000
    forgotten: Any = {"$lte": [{"$ifNull": ["$expires", "$$NOW"]}, "$$NOW"]}
    new: Any = {"$and": [forgotten, {"$ne": [{"$type": "$expires"}, "null"]}]}  # null: kept for ever
    over: Any = {"$lte": ["$ends", "$now"]} if window else False
    plus = {name: {"$add": [f"${name}", {"$cond": ["$allowed", 1, 0]}]} for name in ("hits", "streak")}
    doublings: Any = {"$min": [{"$subtract": ["$streak", bucket.amount]}, 32]}
    delay: Any = {
        "$min": [{"$multiply": [bucket.first_delay * 1000, {"$pow": [2, doublings]}]}, bucket.longest_delay * 1000]
    }
    is_late: Any = {"$and": ["$allowed", bucket.first_delay > 0, {"$gte": ["$streak", bucket.amount]}]}
    is_full_for_ever: Any = {"$and": [not window, {"$gte": ["$hits", bucket.amount]}]}
    kept_until: Any = {"$cond": ["$allowed", {"$add": ["$$NOW", bucket.keep * 1000]}, "$expires"]}
    return [
        {
            "$set": {
                "now": _NOW,
                "began": {"$cond": [new, new_count(), {"$ifNull": ["$began", 0]}]},
                **{name: {"$cond": [new, 0, f"${name}"]} for name in ("hits", "streak", "ends", "opens")},
            }
        },
        {
            "$set": {
                "hits": {"$cond": [over, 0, "$hits"]},
                "ends": {"$cond": [over, {"$add": ["$now", window]}, "$ends"]},
            }
        },
        {"$set": {"allowed": {"$and": [{"$lt": ["$hits", bucket.amount]}, {"$lte": ["$opens", "$now"]}]}}},
        {"$set": plus},
        {
            "$set": {
                "opens": {"$cond": [is_late, {"$add": ["$now", delay]}, "$opens"]},
                "expires": {"$cond": [is_full_for_ever, None, kept_until]},
            }
        },
    ]


def _standing(bucket: Bucket, state: dict[str, Any]) -> Standing:
    now = state["now"]
    is_over = bucket.window is not None and state["ends"] <= now
    hits = 0 if is_over else int(state["hits"])
    return standing_of(bucket, hits, (state["ends"] - now) / 1000, (state["opens"] - now) / 1000)


open_uri = MongoLimitStorage
