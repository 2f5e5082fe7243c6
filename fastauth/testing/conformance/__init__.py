"""The promises of :mod:`fastauth.core.protocols` as a test suite, for whoever writes a store.

Subclass :class:`StoreConformance` and give it one fixture, which yields an empty store with its schema::

    from collections.abc import AsyncGenerator

    import pytest
    from fastauth.testing.conformance import StoreConformance

    class TestMyStore(StoreConformance):
        @pytest.fixture
        async def store(self) -> AsyncGenerator[MyStore, None]:
            store = MyStore(...)
            await store.create_schema()
            yield store
            await store.close()

It needs pytest and pytest-asyncio with ``asyncio_mode = "auto"``. In its strict mode, mark the class with
``@pytest.mark.asyncio`` and use ``@pytest_asyncio.fixture``. A user model that needs more than the name, the address
and the hash has its values in the class attribute ``user_fields``. To begin with a part, subclass one of the classes
that :class:`StoreConformance` is made of; each stands for itself.
"""

import pytest

# Before they are imported, so that a broken promise shows the values and not only "AssertionError".
_MODULES = (
    *("base", "users", "user_changes", "addresses", "listing", "superadmins"),
    *("roles", "tokens", "commits", "schema", "races"),
)
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES))

from fastauth.testing.conformance.addresses import AddressConformance as AddressConformance  # noqa: E402
from fastauth.testing.conformance.commits import CommitConformance as CommitConformance  # noqa: E402
from fastauth.testing.conformance.listing import UserListingConformance as UserListingConformance  # noqa: E402
from fastauth.testing.conformance.races import RaceConformance as RaceConformance  # noqa: E402
from fastauth.testing.conformance.roles import RoleStoreConformance as RoleStoreConformance  # noqa: E402
from fastauth.testing.conformance.schema import SchemaConformance as SchemaConformance  # noqa: E402
from fastauth.testing.conformance.superadmins import SuperadminConformance as SuperadminConformance  # noqa: E402
from fastauth.testing.conformance.tokens import TokenStoreConformance as TokenStoreConformance  # noqa: E402
from fastauth.testing.conformance.users import UserStoreConformance as UserStoreConformance  # noqa: E402


class StoreConformance(
    UserStoreConformance,
    AddressConformance,
    UserListingConformance,
    SuperadminConformance,
    RoleStoreConformance,
    TokenStoreConformance,
    CommitConformance,
    SchemaConformance,
    RaceConformance,
):
    """Everything that a whole store promises."""
