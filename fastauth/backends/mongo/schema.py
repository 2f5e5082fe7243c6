"""The collections and indexes: what there should be, what is missing, and how it is made."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from fastauth.backends.mongo.database import Collection, Collections, Raw
from fastauth.backends.mongo.mapping import UserMapping
from fastauth.core.exceptions import ConfigurationError

# MongoDB deletes by its own clock, and sessions end by the app's; a day is more than two clocks may be apart.
_KEPT_AFTER_EXPIRY = 86_400  # seconds


class Index(NamedTuple):
    """An index that there should be: on one field, or on one and the key of the document behind it."""

    collection: Collection
    field: str
    unique: bool = False
    expires: bool = False
    by_key: bool = False

    @property
    def keys(self) -> list[tuple[str, int]]:
        """The fields in their order."""
        return [(self.field, ASCENDING), *([("_id", ASCENDING)] if self.by_key else ())]

    def is_among(self, existing: Mapping[str, Raw]) -> bool:
        """Say whether there is one that does the same, whatever it is called."""
        return any(
            [field for field, _ in index["key"]] == [field for field, _ in self.keys]
            and index["key"][0][1] in (1, -1)
            and (not self.unique or bool(index.get("unique")))
            and (not self.expires or "expireAfterSeconds" in index)
            and "partialFilterExpression" not in index
            for index in existing.values()
        )

    def to_create(self, existing: Mapping[str, Raw]) -> IndexModel:
        """Return what makes it."""
        # By the name that the driver and Beanie would give it, so that an app which declares the same index finds it;
        # an index of the app's own that is not unique may have that name.
        usual_name = "_".join(f"{field}_{direction}" for field, direction in self.keys)
        options: dict[str, Any] = {"name": usual_name if usual_name not in existing else f"fastauth_{self.field}"}
        if self.unique:
            options["unique"] = True
        if self.expires:
            options["expireAfterSeconds"] = _KEPT_AFTER_EXPIRY
        return IndexModel(self.keys, **options)


def indexes_of(collections: Collections, mapping: UserMapping[Any]) -> Iterator[Index]:
    """Return the indexes that there should be."""
    for name in dict.fromkeys((mapping.stored_name("username"), mapping.stored_name("email"))):
        yield Index(collections.users, name, unique=True)
    yield Index(collections.accounts, "roles")
    yield Index(collections.roles, "name", unique=True)
    yield Index(collections.sessions, "user_id")
    yield Index(collections.sessions, "expires_at", expires=True)
    yield Index(collections.used_tokens, "expires_at", expires=True)
    yield Index(collections.audit_records, "at")
    for name in ("user_id", "actor_id"):
        yield Index(collections.audit_records, name, by_key=True)


async def missing_indexes(collections: Collections, mapping: UserMapping[Any]) -> list[tuple[Index, Mapping[str, Raw]]]:
    """Return the indexes that are missing, each with those that its collection has."""
    existing = {collection.name: await collection.indexes() for collection in collections}
    wanted = [(index, existing[index.collection.name]) for index in indexes_of(collections, mapping)]
    return [(index, others) for index, others in wanted if not index.is_among(others)]


async def create_missing(collections: Collections, mapping: UserMapping[Any]) -> None:
    """Make the indexes that are missing, and their collections with them; several processes may do it at once.

    Raises:
        ConfigurationError: The app's collection has two users of one name or address.
    """
    for index, others in await missing_indexes(collections, mapping):
        try:
            await index.collection.create_indexes([index.to_create(others)])
        except DuplicateKeyError as error:  # noqa: PERF203  # a start-up step, not a hot loop
            raise ConfigurationError(
                f"{index.collection.name} has several documents with one {index.field}: change all but one of them, "
                "so that it can be made unique."
            ) from error
