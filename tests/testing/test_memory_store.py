"""The memory store in an app's tests: what is put into it once can be copied for each of them."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))])
async def test_a_copy_of_the_store_is_a_store_of_its_own(
    duplicate: Callable[[MemoryStore], MemoryStore], make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """A copy begins with all that the original holds, and what is done to one is not done to the other."""
    original = make_auth(MemoryStore())
    ada = await original.accounts.register("ada", "ada@example.com", PASSWORD)
    pair = await original.sessions.start(ada)

    other = make_auth(duplicate(original.store))
    found = await other.sessions.authenticate(pair.access_token)
    await other.accounts.delete(ada.id)

    assert (found.id, found.roles) == (ada.id, {"user"})
    assert await other.accounts.find("ada") is None
    assert await original.accounts.find("ada") == ada
