"""The promises of :class:`~fastauth.core.protocols.Store` about the schema and the connections."""

from dataclasses import replace
from typing import Any

from fastauth.core.models import STANDARD_ROLES, Login
from fastauth.core.protocols import Store
from fastauth.core.user_schema import UserSchema
from fastauth.testing.conformance.base import Conformance, facts, race


class SchemaConformance(Conformance):
    """The life of the schema."""

    async def test_it_is_a_store(self, store: Store[Any]) -> None:
        """The store has every verb, and says what the HTTP floor has to know of the user model."""
        # isinstance() would not see what a store hands on by __getattr__, from Python 3.12 on.
        assert [name for name in dir(Store) if not name.startswith("_") and not hasattr(store, name)] == []
        assert isinstance(store.schema, UserSchema)
        assert store.schema.username_max_length > 0
        assert store.schema.email_max_length > 0

    async def test_nothing_is_missing(self, store: Store[Any]) -> None:
        """When the schema has been made, nothing of it is missing."""
        assert list(await store.missing_schema()) == []

    async def test_making_the_schema_again_changes_nothing(self, store: Store[Any]) -> None:
        """The schema may be made again, by eight at once, and what is stored stays."""
        account = await self.add_user(store, roles=["user"])
        session = await self.add_session(store, account)

        await race(store.create_schema() for _ in range(8))

        assert list(await store.missing_schema()) == []
        assert facts(await store.authenticate("session-1")) == facts(replace(account, session=session))

    async def test_eight_may_prepare_it_at_once(self, store: Store[Any]) -> None:
        """Eight that make the schema and the standard roles at once make each role once."""

        async def prepare() -> None:
            await store.create_schema()
            await store.ensure_roles(STANDARD_ROLES)

        await race(prepare() for _ in range(8))

        assert [role.name for role in await store.list_roles()] == sorted(STANDARD_ROLES)

    async def test_it_may_be_used_after_it_was_closed(self, store: Store[Any]) -> None:
        """A store that was closed is used again as if nothing had been, and may be closed twice."""
        account = await self.add_user(store)

        await store.close()
        await store.close()

        assert facts(await store.find_user(Login("username", "ada"))) == facts(account)
