"""No store call takes for ever."""

import asyncio
import inspect
from datetime import timedelta
from typing import Any

import pytest

from fastauth import FastAuth, RoleStore, StoreUnavailableException, TokenStore, UserStore
from fastauth.backends.memory import MemoryStore
from fastauth.services.deadline import with_deadline
from tests.conftest import SECRET_KEY

VERBS = sorted(
    name
    for seam in (UserStore, RoleStore, TokenStore)
    for name, verb in vars(seam).items()
    if inspect.iscoroutinefunction(verb)
)


class HungStore(MemoryStore):
    """A store whose server took the question and never answers."""

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        if name.startswith("_") or not inspect.iscoroutinefunction(attribute):
            return attribute

        async def hang(*_: object, **__: object) -> None:
            await asyncio.Event().wait()

        return hang


def test_there_are_verbs_to_be_timed() -> None:
    """The table of verbs below is taken from the seams, and is all of them."""
    assert {"get_user", "add_session", "grant_role", "purge_expired"} < set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_hung_store_is_an_unavailable_one(verb: str) -> None:
    """Every verb gives up when its time is over, and says that the store is unavailable."""
    store = with_deadline(HungStore(), timedelta(milliseconds=1))

    with pytest.raises(StoreUnavailableException):
        await getattr(store, verb)()


async def test_what_answers_in_time_is_handed_on() -> None:
    """A result, an error of the store's own, and all that is no verb pass through unchanged."""
    inner = MemoryStore()
    store = with_deadline(inner, timedelta(seconds=5))

    role = await store.add_role("editor", "Edits.")

    assert await store.get_role(role.id) == role
    assert store.schema is inner.schema
    assert store.add_role.__name__ == "add_role"
    assert await store.missing_schema() == ()
    with pytest.raises(AttributeError):
        store.no_such_verb  # noqa: B018
    with pytest.raises(TypeError):
        await store.get_role()


async def test_making_the_schema_may_take_longer() -> None:
    """The life of the schema is not timed: it hangs as long as the database does."""
    store = with_deadline(HungStore(), timedelta(milliseconds=1))

    for step in (store.create_schema, store.missing_schema, store.close):
        task = asyncio.ensure_future(step())
        with pytest.raises(StoreUnavailableException):
            await store.list_roles()
        assert not task.done()
        task.cancel()


async def test_a_request_that_is_cancelled_is_not_an_outage() -> None:
    """Who gives up waiting is cancelled, and not told that the store is unavailable."""
    store = with_deadline(HungStore(), timedelta(minutes=5))
    task = asyncio.ensure_future(store.list_roles())
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_timeout_is_the_apps_to_set() -> None:
    """``store_timeout`` is what the services wait: a number of seconds, or a span."""
    use_cases = []
    for timeout in (1, timedelta(seconds=1)):
        auth = FastAuth(HungStore(), secret_key=SECRET_KEY, store_timeout=timeout)
        use_cases += [auth.accounts.find("ada"), auth.sessions.list("1"), auth.roles.grant("1", "admin")]

    outcomes = await asyncio.gather(*use_cases, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {StoreUnavailableException}
    assert {outcome.retry_after for outcome in outcomes} == {1}
