"""The SQL store keeps every promise of a store on SQLite."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from fastauth import Store
from fastauth.testing.conformance import StoreConformance
from tests.conftest import sqlite_store


class TestSQLite(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncGenerator[Store[Any], None]:
        """An empty store in a file of its own."""
        async with sqlite_store(tmp_path) as store:
            await store.create_schema()
            yield store
