"""The SQL store keeps every promise of a store on PostgreSQL, with either driver."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from fastauth import Store
from fastauth.testing.conformance import StoreConformance
from tests.servers import SERVER_STORES


@pytest.mark.parametrize("store", ["postgres-asyncpg", "postgres-psycopg"], indirect=True)
class TestPostgreSQL(StoreConformance):
    @pytest.fixture
    async def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store[Any], None]:
        """An empty store in a schema of its own."""
        async with SERVER_STORES[request.param](tmp_path) as store:
            await store.create_schema()
            yield store
