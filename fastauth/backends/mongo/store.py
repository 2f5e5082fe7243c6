"""The store itself: all groups of verbs on one database, and the life of the schema."""

from collections.abc import Sequence
from typing import Any, overload

from typing_extensions import Self, TypeVar

from fastauth.backends.common import DEFAULT_PREFIX, checked_prefix
from fastauth.backends.mongo.attributes import MongoUserAttributes
from fastauth.backends.mongo.audit import MongoAuditStore
from fastauth.backends.mongo.changes import MongoUserChanges
from fastauth.backends.mongo.database import Database, DatabaseHandle
from fastauth.backends.mongo.errors import refusals_told
from fastauth.backends.mongo.listing import MongoUserListing
from fastauth.backends.mongo.mapping import UserMapping
from fastauth.backends.mongo.models import User
from fastauth.backends.mongo.roles import MongoRoleStore
from fastauth.backends.mongo.schema import create_missing, missing_indexes
from fastauth.backends.mongo.sessions import MongoTokenStore
from fastauth.core.checks import check_list
from fastauth.core.protocols import CommitStep
from fastauth.core.user_schema import UserSchema

M = TypeVar("M", default=User)


class MongoStore(
    MongoUserChanges[M],
    MongoUserAttributes[M],
    MongoUserListing[M],
    MongoRoleStore[M],
    MongoTokenStore[M],
    MongoAuditStore[M],
):
    """Keeps users, roles and sessions in a MongoDB database, on a replica set or on a single server.

    No verb needs a transaction: each is decided by one write to one document (see :mod:`.state`). The collections
    beside the app's are ``fastauth_accounts``, ``fastauth_roles``, ``fastauth_sessions``, ``fastauth_used_tokens`` and
    ``fastauth_audit_records``, or have another prefix. What is acknowledged has been written by a majority and to the
    journal, whatever the client's default is.

    Args:
        database: The app's database: ``AsyncMongoClient(...)["app"]`` of PyMongo under Beanie 2, or
            ``AsyncIOMotorClient(...)["app"]`` of Motor under Beanie 1. Its connections are shared with the app.
        user_model: A Beanie document of the app's own; by default :class:`User`. It needs the fields ``username``,
            ``email``, ``hashed_password`` and ``disabled``, and a key that is an ObjectId, or else a UUID, a string or
            an int with a default; nothing has to be inherited from us. An app that calls ``init_beanie`` itself names
            this class there; otherwise the store does so when it is first used.
        public_fields: The model's own fields that user JSON shows.
        writable_fields: The model's own fields that a client may set.
        collection_prefix: What the names of our collections begin with; the user's has the name that its class says.

    Raises:
        ConfigurationError: The database is not asynchronous, something about the model does not fit, or collections
            cannot have this prefix.
    """

    @overload
    def __init__(
        self: "MongoStore[User]", database: DatabaseHandle, *, collection_prefix: str = DEFAULT_PREFIX
    ) -> None: ...
    @overload
    def __init__(
        self,
        database: DatabaseHandle,
        *,
        user_model: type[M],
        public_fields: Sequence[str] = (),
        writable_fields: Sequence[str] = (),
        collection_prefix: str = DEFAULT_PREFIX,
    ) -> None: ...
    def __init__(
        self,
        database: DatabaseHandle,
        *,
        user_model: type[Any] | None = None,
        public_fields: Sequence[str] = (),
        writable_fields: Sequence[str] = (),
        collection_prefix: str = DEFAULT_PREFIX,
    ) -> None:
        check_list("public_fields", public_fields)
        check_list("writable_fields", writable_fields)
        model: type[Any] = user_model or User
        mapping: UserMapping[M] = UserMapping(model, public_fields, writable_fields)
        prefix = checked_prefix("collection_prefix", collection_prefix)
        super().__init__(Database(database, mapping.model, prefix), mapping)
        self.schema: UserSchema = mapping.schema
        self.database = database
        """The app's database, as it was given; for what is not a verb, such as looking into the server."""

    def joined(self, session: Any) -> Self:
        """Return a store whose verbs run in the caller's client session, and so in the caller's transaction.

        What they do is there when the caller commits, and nothing of it is when the caller aborts. Transactions need a
        replica set. MongoDB knows no savepoints: with ``UserExistsException`` and ``RoleExistsException`` the
        transaction is over. A conflict with another transaction is raised as the driver's own error, which
        ``session.with_transaction`` answers by beginning again.

        Args:
            session: An ``AsyncClientSession`` of PyMongo, or Motor's, of the same client.
        """
        return self._with(_database=self._database.joined(session))

    def before_commit(self, step: CommitStep[M]) -> Self:
        """Return the same store, whose verbs await ``step`` when they are about to change something.

        On a replica set or a sharded cluster the verb and the step are one transaction, and ``commit.session`` is its
        client session. On a single server, and in a caller's transaction, the step is awaited right before the write
        that decides.
        """
        return self._with(_step=step)

    async def has_transactions(self) -> bool:
        """Say whether the server is a member of a replica set, or in front of a sharded cluster."""
        return self._database.in_transaction or await self._database.transactions.supported()

    async def create_schema(self) -> None:
        """Make the collections and indexes that are missing; several processes may do it at once.

        Raises:
            ConfigurationError: The credentials are refused, or two documents share what has to be unique.
        """
        with refusals_told():
            await create_missing(await self._database.ready(with_indexes=True), self._mapping)

    async def missing_schema(self) -> Sequence[str]:
        """Return the names of the collections that are missing, and of the fields that lack an index.

        Raises:
            ConfigurationError: The credentials are refused.
        """
        with refusals_told():
            return await self._missing()

    async def _missing(self) -> Sequence[str]:
        collections = await self._database.ready()
        existing = set(await self._database.collection_names())
        missing = [collection.name for collection in collections if collection.name not in existing]
        for index, _ in await missing_indexes(collections, self._mapping):
            if index.collection.name in existing:
                missing.append(f"index on {index.collection.name}.{index.field}")
        return missing

    async def close(self) -> None:
        """Wait for transactions under way; the client is the app's, and PyMongo's cannot be used once it is closed."""
        await self._database.transactions.close()
