"""The collections and the commands on them; every command is sent from here."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import bson
from beanie import Document
from pymongo import IndexModel, ReadPreference, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from fastauth.backends.mongo.documents import Binding
from fastauth.backends.mongo.errors import answered_by, unbroken
from fastauth.backends.mongo.transactions import Transactions, awaited
from fastauth.core.exceptions import ConfigurationError

Raw: TypeAlias = dict[str, Any]
"""A document as the driver gives and takes it."""

DRIVER = "PyMongo" if hasattr(Document, "get_pymongo_collection") else "Motor"
"""Whose databases the installed Beanie takes: Beanie 2 those of PyMongo, Beanie 1 those of Motor."""

_CONVERSION_FAILURE = 241
_decode: Any = cast("Any", bson).decode
_OURS = ("accounts", "roles", "sessions", "used_tokens", "audit_records")
_WANTED = {
    "PyMongo": "pass AsyncMongoClient(...)['name'] from pymongo",
    "Motor": "pass AsyncIOMotorClient(...)['name'] from motor.motor_asyncio",
}
_INSTALL = {"PyMongo": "pip install 'fastauth[mongo]'", "Motor": "pip install 'fastauth[motor]'"}


class DatabaseHandle(Protocol):
    """PyMongo's ``AsyncDatabase``, or Motor's ``AsyncIOMotorDatabase``."""

    @property
    def name(self) -> str:
        """The name of the database."""
        ...

    @property
    def client(self) -> Any:
        """The client that the handle was taken from."""
        ...


class Collection:
    """The few commands that a store needs, on one collection.

    Args:
        handle: The driver's collection.
        session: The caller's client session, for :meth:`fastauth.backends.mongo.MongoStore.joined`.
    """

    def __init__(self, handle: Any, session: Any = None) -> None:
        self._handle = handle
        self._session = session
        self._client = handle.database.client
        self.name: str = handle.name
        self.codec_options: Any = handle.codec_options

    def read_back(self, document: Raw) -> Raw:
        """Return what a read would give of a stored document; no I/O."""
        decoded: Raw = _decode(bson.encode(document), self.codec_options)
        return decoded

    async def aggregate(self, pipeline: Sequence[Raw]) -> list[Raw]:
        """Return what the pipeline gives."""
        with answered_by(self._client):
            return await unbroken(self._rows(pipeline))

    async def _rows(self, pipeline: Sequence[Raw]) -> list[Raw]:
        cursor = await awaited(self._handle.aggregate(pipeline, session=self._session))
        return cast("list[Raw]", await cursor.to_list(None))

    async def insert_from(self, pipeline: Sequence[Raw], other: "Collection") -> bool:
        """Store here the one document that the pipeline gives on another collection; say whether it gave one.

        It is one command. The pipeline begins with the ``$match`` that finds what is to be looked at.

        Raises:
            DuplicateKeyError: There is such a document already.
        """
        # A server that has stored nothing does not say so: a pipeline that gives nothing is made to fail instead.
        given: Raw = {"$arrayElemAt": ["$given", 0]}
        stages = [
            pipeline[0],
            {"$facet": {"given": pipeline[1:]}},
            {"$replaceWith": {"$ifNull": [given, {"_id": {"$toInt": {"$ifNull": ["$nothing", "nothing given"]}}}]}},
            {"$merge": {"into": self.name, "whenMatched": "fail"}},
        ]
        try:
            await other.aggregate(stages)
        except OperationFailure as error:
            if error.code != _CONVERSION_FAILURE:
                raise
            return False
        return True

    async def find(self, where: Raw, *, sort: Sequence[tuple[str, int]] = (), limit: int = 0) -> list[Raw]:
        """Return the documents; all of them, without a limit."""
        with answered_by(self._client):
            cursor = self._handle.find(where, sort=sort or None, limit=limit, session=self._session)
            return cast("list[Raw]", await unbroken(cursor.to_list(None)))

    async def find_one(self, where: Raw) -> Raw | None:
        """Return the document, or None."""
        with answered_by(self._client):
            return cast("Raw | None", await unbroken(self._handle.find_one(where, session=self._session)))

    async def count(self, where: Raw) -> int:
        """Return how many documents there are."""
        with answered_by(self._client):
            return int(await unbroken(self._handle.count_documents(where, session=self._session)))

    async def insert_one(self, document: Raw) -> None:
        """Store a document."""
        with answered_by(self._client):
            await unbroken(self._handle.insert_one(document, session=self._session))

    async def insert_many(self, documents: Sequence[Raw]) -> None:
        """Store those of the documents that can be stored, and raise the driver's error about the others."""
        with answered_by(self._client):
            await unbroken(self._handle.insert_many(documents, ordered=False, session=self._session))

    async def update_one(self, where: Raw, change: Raw, *, upsert: bool = False) -> bool:
        """Change the document, or make it; say whether it is as asked for now."""
        with answered_by(self._client):
            result = await unbroken(self._handle.update_one(where, change, upsert=upsert, session=self._session))
            return bool(result.matched_count) or result.upserted_id is not None

    async def update_many(self, where: Raw, change: Raw) -> int:
        """Change the documents; return how many were changed."""
        with answered_by(self._client):
            result = await unbroken(self._handle.update_many(where, change, session=self._session))
            return int(result.modified_count)

    async def find_one_and_update(self, where: Raw, change: Raw) -> Raw | None:
        """Change the document and return it as it is afterwards; None when it is not there."""
        with answered_by(self._client):
            changed = await unbroken(
                self._handle.find_one_and_update(where, change, return_document=True, session=self._session)
            )
            return cast("Raw | None", changed)

    async def delete_one(self, where: Raw) -> bool:
        """Delete the document; say whether it was there."""
        with answered_by(self._client):
            return bool((await unbroken(self._handle.delete_one(where, session=self._session))).deleted_count)

    async def delete_many(self, where: Raw) -> int:
        """Delete the documents; return how many there were."""
        with answered_by(self._client):
            return int((await unbroken(self._handle.delete_many(where, session=self._session))).deleted_count)

    async def indexes(self) -> Mapping[str, Raw]:
        """Return the indexes by name; none when there is no such collection."""
        with answered_by(self._client):
            return cast("Mapping[str, Raw]", await unbroken(self._handle.index_information()))

    async def create_indexes(self, indexes: Sequence[IndexModel]) -> None:
        """Make the indexes that are missing, and the collection with them."""
        with answered_by(self._client):
            await unbroken(self._handle.create_indexes(indexes))


class Collections(NamedTuple):
    """What a store works on: the app's users, and what is ours."""

    users: Collection
    accounts: Collection
    roles: Collection
    sessions: Collection
    used_tokens: Collection
    audit_records: Collection


class Database:
    """Gives out the collections, once Beanie knows the user class.

    Args:
        handle: The app's own; its client and connections are shared with the app.
        user_model: The app's document class.
        prefix: What the names of our collections begin with.

    Attributes:
        session: The client session that all commands are in; None where there is none.
        transactions: Runs what is to be in a transaction of our own.

    Raises:
        ConfigurationError: The handle is not one that the installed Beanie works with.
    """

    def __init__(self, handle: DatabaseHandle, user_model: type[Document], prefix: str) -> None:
        driver = _driver_of(handle)
        if driver == "neither":
            raise ConfigurationError(f"MongoStore needs an asynchronous database: {_WANTED[DRIVER]}.")
        if driver != DRIVER:
            raise ConfigurationError(
                f"This is a database of {driver}'s client, and the installed Beanie works on {DRIVER}'s: "
                f"{_WANTED[DRIVER]}, or {_INSTALL[driver]} for the Beanie that fits this one."
            )
        self._handle: Any = handle
        self._model = user_model
        self._prefix = prefix
        self._binding = Binding(user_model, handle)
        self.session: Any = None
        self.transactions: Transactions = Transactions(handle.client)
        self._collections: Collections | None = None

    def joined(self, session: Any) -> "Database":
        """Return the same database, with every command in the caller's client session."""
        joined = copy.copy(self)
        joined.session = session
        joined._collections = None  # noqa: SLF001  # of the same class
        return joined

    @property
    def in_transaction(self) -> bool:
        """Whether the commands are part of a transaction."""
        return self.session is not None and bool(self.session.in_transaction)

    async def ready(self, *, with_indexes: bool = False) -> Collections:
        """Return the collections; at the first call Beanie is told of the user class.

        Args:
            with_indexes: Make the indexes that the app's class declares.
        """
        if self._collections is None or with_indexes:
            with answered_by(self._handle.client):
                await unbroken(self._binding.bind(with_indexes=with_indexes))
            ours = (self._collection(f"{self._prefix}{name}") for name in _OURS)
            self._collections = Collections(self._collection(str(self._model.get_collection_name())), *ours)
        return self._collections

    def _collection(self, name: str) -> Collection:
        # A client's defaults may be weaker: an acknowledged write outlives a crash, and what was revoked is read as
        # revoked, so reads go to the primary. Handles of our own, not those of the class: two stores in one process
        # may have the same class on two databases, which Beanie binds to one.
        handle = self._handle.get_collection(
            name,
            codec_options=self._handle.codec_options.with_options(document_class=dict),
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("local"),
        )
        return Collection(handle, self.session)

    async def collection_names(self) -> Sequence[str]:
        """Return the names of the collections that exist."""
        with answered_by(self._handle.client):
            return cast("Sequence[str]", await unbroken(self._handle.list_collection_names()))


def _driver_of(handle: object) -> str:
    if isinstance(handle, AsyncDatabase):
        return "PyMongo"
    is_motors = any(each.__name__ == "AsyncIOMotorDatabase" for each in type(handle).__mro__)
    return "Motor" if is_motors else "neither"
