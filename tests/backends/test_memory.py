"""The memory store keeps every promise of a store."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from fastauth import Store
from fastauth.testing.conformance import StoreConformance
from tests.conftest import memory_store


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncGenerator[Store[Any], None]:
        """An empty memory store."""
        async with memory_store(tmp_path) as store:
            yield store
