"""Random sequences of everything that happens to people and their sessions: each store does what thirty lines say."""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI
from httpx2 import Response
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore
from fastauth.testing import ManualClock
from tests.conftest import DEFAULTS, STORES, bearer, client_of
from tests.stores.model import Model, Pair, Sitting

_T = TypeVar("_T")

PASSWORDS = ["correct horse battery", "a wrong donkey cell", "quite another staple"]
NAMES = st.sampled_from(["ada", "grace"])
ROLES = st.sampled_from(["admin", "moderator", "premium"])
CHOICE = st.sampled_from([0, 0, 1, 1, 2, 3, 7])  # of the tokens there are, counted from the latest
# None of them, nor a sum of a few, is exactly as long as anything lasts.
SPANS = [
    timedelta(seconds=3),
    timedelta(seconds=8),
    timedelta(seconds=61),
    timedelta(seconds=3607),
    timedelta(days=3, seconds=1),
]


class Machine(RuleBasedStateMachine):
    """An app on a store beside the model; after each step they agree.

    Args:
        kind: The kind of store.
        folder: Where one on files keeps them.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock(datetime(2026, 5, 4, 12, 0, 0, tzinfo=timezone.utc))
        self.model = Model()
        self.pairs: list[Pair] = []
        self.ids: dict[str, str] = {}
        place = folder / uuid.uuid4().hex
        place.mkdir()
        self.opened = STORES[kind](place)
        self.store = self.run(self.opened.__aenter__())

    def run(self, work: Awaitable[_T]) -> _T:
        return self.loop.run_until_complete(asyncio.ensure_future(work, loop=self.loop))

    def build(self) -> None:
        self.auth: FastAuth[Any] = FastAuth(self.store, **{**DEFAULTS, "clock": self.clock})
        self.app = FastAPI()
        self.auth.setup(self.app)

    async def send(self, method: str, path: str, pair: Pair | None = None, **body: Any) -> Response:
        headers = {} if pair is None else bearer(pair.access_token)
        async with client_of(self.app, headers=headers) as client:
            return await client.request(method, path, **body)

    def ask(self, *request: Any, **body: Any) -> Response:
        return self.run(self.send(*request, **body))

    def note(self, sitting: Sitting, generation: int, tokens: dict[str, Any]) -> None:
        made = {name: tokens[name] for name in ("access_token", "refresh_token")}
        self.pairs.append(Pair(sitting, generation, self.clock(), sitting.expires, **made))

    def chosen(self, choice: int) -> Pair:
        return self.pairs[-1 - choice % len(self.pairs)]

    @initialize()
    def begin(self) -> None:
        self.build()
        self.run(self.auth.initialize_db(create_admin=False))
        self.walk()

    def walk(self) -> None:
        """Go once through what chance may miss: the grace of a refresh, a replay, and every end of a session."""
        self.register("ada", PASSWORDS[0])
        self.sign_in("ada", True)
        self.refresh(0)
        self.wait(SPANS[0])
        self.refresh(1)
        self.wait(SPANS[1])
        self.refresh(2)
        self.whoever_is_signed_in_is_who_the_model_says()
        for _ in range(2):
            self.sign_in("ada", True)
        self.change_password(0, True, PASSWORDS[1])
        self.whoever_is_signed_in_is_who_the_model_says()
        self.log_out(0)
        self.whoever_is_signed_in_is_who_the_model_says()
        self.sign_in("ada", True)
        self.disable_or_enable("ada", True)
        self.sign_in("ada", True)
        self.disable_or_enable("ada", False)
        self.whoever_is_signed_in_is_who_the_model_says()
        self.sign_in("ada", True)

    @rule(name=NAMES, password=st.sampled_from(PASSWORDS))
    def register(self, name: str, password: str) -> None:
        body = {"username": name, "email": f"{name}@example.com", "password": password}
        answer = self.ask("POST", "/register", json=body)

        assert answer.status_code == self.model.register(name, password)
        if answer.status_code == 201:
            self.ids[name] = str(answer.json()["id"])

    @rule(name=NAMES, right=st.booleans())
    def sign_in(self, name: str, right: bool) -> None:
        person = self.model.people.get(name)
        password = person.password if person is not None and right else "no password of anybody"
        answer = self.ask("POST", "/token", data={"username": name, "password": password})

        assert answer.status_code == self.model.sign_in(name, password)
        if answer.status_code == 200:
            self.note(self.model.begin(name, self.clock()), 0, answer.json())

    @precondition(lambda self: self.pairs)
    @rule(choice=CHOICE)
    def refresh(self, choice: int) -> None:
        """Present any refresh token that ever was: the current one, the one before, or one long replaced."""
        pair = self.chosen(choice)
        answer = self.ask("POST", "/token/refresh", json={"refresh_token": pair.refresh_token})

        assert answer.status_code == self.model.refresh(pair, self.clock())
        if answer.status_code == 200:
            self.note(pair.sitting, pair.sitting.generation, answer.json())

    @precondition(lambda self: self.pairs)
    @rule(choice=CHOICE)
    def refresh_again(self, choice: int) -> None:
        """Do so more often than all else: it has the most to get wrong."""
        self.refresh(choice)

    @precondition(lambda self: self.pairs)
    @rule(choice=CHOICE)
    def log_out(self, choice: int) -> None:
        pair = self.chosen(choice)

        assert self.ask("POST", "/logout", pair).status_code == self.model.log_out(pair, self.clock())

    @precondition(lambda self: self.pairs)
    @rule(choice=CHOICE, right=st.booleans(), new=st.sampled_from(PASSWORDS))
    def change_password(self, choice: int, right: bool, new: str) -> None:
        pair = self.chosen(choice)
        current = self.model.people[pair.sitting.name].password if right else "no password of anybody"
        answer = self.ask("POST", "/password/change", pair, json={"current_password": current, "new_password": new})

        assert answer.status_code == self.model.change_password(pair, current, new, self.clock())

    @precondition(lambda self: self.ids)
    @rule(name=NAMES, disabled=st.booleans())
    def disable_or_enable(self, name: str, disabled: bool) -> None:
        if name in self.ids:
            act = self.auth.accounts.disable if disabled else self.auth.accounts.enable
            self.run(act(self.ids[name]))
            self.model.people[name].disabled = disabled
            if disabled:
                self.model.end_all(name)

    @precondition(lambda self: self.ids)
    @rule(name=NAMES, role=ROLES, granted=st.booleans())
    def grant_or_revoke(self, name: str, role: str, granted: bool) -> None:
        if name in self.ids:
            act = self.auth.roles.grant if granted else self.auth.roles.revoke
            self.run(act(self.ids[name], role))
            change = set.add if granted else set.discard
            change(self.model.people[name].roles, role)

    @rule(span=st.sampled_from(SPANS))
    def wait(self, span: timedelta) -> None:
        self.clock.move(span)

    @rule()
    def purge(self) -> None:
        """Delete what has expired, of which nobody takes notice."""
        self.run(self.auth.sessions.purge_expired())

    @rule()
    def restart(self) -> None:
        """Let everything that is in memory be forgotten, and begin anew on what is stored."""
        self.run(self.auth.close())
        if isinstance(self.store, SQLStore):
            self.store = SQLStore(self.store.engine)
        elif hasattr(self.store, "_database"):
            self.store = type(self.store)(self.store._database._handle)
        self.build()

    @precondition(lambda self: self.pairs)
    @rule(choice=CHOICE, other=st.booleans(), after=st.integers(0, 8))
    def crash(self, choice: int, other: bool, after: int) -> None:
        """Die in the middle of a change of password: it has happened with all that belongs to it, or not at all."""
        pair = self.chosen(choice)
        old = self.model.people[pair.sitting.name].password
        # Never the same again: what is stored then tells whether it was changed.
        new = [each for each in PASSWORDS if each != old][other]
        body = {"current_password": old, "new_password": new}

        async def interrupted() -> None:
            request = asyncio.ensure_future(self.send("POST", "/password/change", pair, json=body))
            await asyncio.sleep(after / 1000)
            request.cancel()
            await asyncio.wait([request])

        self.run(interrupted())
        self.restart()
        account = self.run(self.auth.accounts.get(self.ids[pair.sitting.name]))
        if self.run(self.auth.passwords.verify(new, account.hashed_password)).ok:
            assert self.model.change_password(pair, old, new, self.clock()) == 204

    @invariant()
    def whoever_is_signed_in_is_who_the_model_says(self) -> None:
        for pair in self.pairs[-6:]:
            answer = self.ask("GET", "/users/me", pair)
            expected = self.model.me(pair, self.clock())

            assert answer.status_code == expected
            if expected == 200:
                me = answer.json()
                name = pair.sitting.name
                assert (me["username"], set(me["roles"])) == (name, self.model.people[name].roles)

    def teardown(self) -> None:
        self.run(self.auth.close())
        self.run(self.opened.__aexit__(None, None, None))
        self.run(self.loop.shutdown_asyncgens())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()


def agree(make: Callable[[], Machine], *, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        make,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,  # the same sequences in every run
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("kind", STORES)
def test_the_store_does_what_the_model_does(kind: str, tmp_path: Path) -> None:
    """Whatever is asked in whatever order, through crashes and the passing of time, each store answers as the model."""
    agree(partial(Machine, kind, tmp_path), examples=3, steps=20)


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
def test_the_store_does_what_the_model_does_for_long(kind: str, tmp_path: Path) -> None:
    """The same, with more and longer sequences; half as many in CI, where the others of these tests wait."""
    agree(partial(Machine, kind, tmp_path), examples=6 if os.environ.get("CI") else 12, steps=50)
