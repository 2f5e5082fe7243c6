"""The conformance suite on every store of :mod:`tests.testing_conformance.stores`; run by the test beside it.

Its name keeps it out of an ordinary run, where the broken stores would fail it.
"""

from typing import Any

import pytest

from fastauth import Store
from fastauth.testing.conformance import StoreConformance
from tests.testing_conformance.stores import BROKEN, CORRECT


def _suite_on(store_class: type[Any]) -> type[StoreConformance]:
    class Suite(StoreConformance):
        @pytest.fixture
        async def store(self) -> Store[Any]:
            return store_class()

    return Suite


for _store_class in (*CORRECT, *BROKEN):
    globals()[f"Test{_store_class.__name__}"] = _suite_on(_store_class)
