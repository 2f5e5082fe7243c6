"""The SQL store keeps every promise of a store on MariaDB."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from fastauth import Store
from fastauth.testing.conformance import StoreConformance
from tests.servers import mariadb_store


class TestMariaDB(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncGenerator[Store[Any], None]:
        """An empty store in a database of its own."""
        async with mariadb_store(tmp_path) as store:
            await store.create_schema()
            yield store
