"""Every flow on a store that fails at each of its calls in turn: nothing half done, and the same flow works then."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from fastauth import Account, FastAuth, Store, StoreUnavailableException
from fastauth.core.protocols import Commit, CommitStep
from fastauth.core.settings import AuditSettings
from fastauth.services.verbs import VERBS
from tests.conftest import PASSWORD
from tests.outbox import Outbox, settle
from tests.services.conftest import MakeAuth, accepts, facts
from tests.services.watched_store import WatchedStore

NEW = "another horse battery"


class FailingStore(WatchedStore):
    """Fails once at the verb of a certain number, before it is called or when it is done and its answer is lost.

    Attributes:
        plan: The number of the verb that fails, counted down; None fails none.
        lost: Whether the verb is done before it fails.
    """

    def __init__(self, store: Store[Any]) -> None:
        super().__init__(store)
        self.shared: dict[str, int | None] = {"plan": None}
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        attribute = super().__getattr__(name)
        if name not in VERBS:
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            fails = self.shared["plan"] == 0
            if self.shared["plan"] is not None:
                self.shared["plan"] -= 1
            if fails and not self.lost:
                raise StoreUnavailableException
            result = await attribute(*args, **kwargs)
            if fails:
                raise StoreUnavailableException
            return result

        return call

    def before_commit(self, step: CommitStep[Any]) -> "FailingStore":
        """Return the same store with a step before its commits; inside of it, too, a verb may fail."""

        async def failing_step(commit: Commit[Any]) -> None:
            await step(Commit(commit.result, self._on(commit.store), commit.session))

        return self._on(self._store.before_commit(failing_step))


class State(NamedTuple):
    """What is stored of a user."""

    account: Account[Any] | None
    sessions: list[str]
    opens: str


class Scene(NamedTuple):
    """A user, and what a flow may need of them."""

    auth: FastAuth[Any]
    outbox: Outbox
    account: Account[Any]
    refresh_token: str
    session_id: str
    token: str


Flow = Callable[[Scene], Awaitable[object]]


async def sign_in(scene: Scene) -> None:
    """Sign in as the route does."""
    await scene.auth._routes.sign_ins.by(
        scene.auth._routes.password,
        scene.auth._routes.password.credentials(username=scene.account.username, password=PASSWORD),
    )


FLOWS: dict[str, tuple[str | None, Flow]] = {
    "register": (None, lambda scene: scene.auth.accounts.register("eve", "eve@example.com", PASSWORD)),
    "verify": ("verify_email", lambda scene: scene.auth.accounts.verify_email(scene.token)),
    "forgot": (None, lambda scene: scene.auth.accounts.forgot_password("ada@example.com")),
    "reset": ("reset_password", lambda scene: scene.auth.accounts.reset_password(scene.token, NEW)),
    "change password": (
        None,
        lambda scene: scene.auth.accounts.change_password(
            scene.account.id, PASSWORD, NEW, keep_session=scene.session_id
        ),
    ),
    "ask for another address": (
        None,
        lambda scene: scene.auth.accounts.request_email_change(scene.account.id, "new@example.com", PASSWORD),
    ),
    "change address": ("confirm_email_change", lambda scene: scene.auth.accounts.confirm_email_change(scene.token)),
    "change several": (
        None,
        lambda scene: scene.auth.accounts.update(scene.account.id, {"email": "new@example.com", "disabled": True}),
    ),
    "disable": (None, lambda scene: scene.auth.accounts.disable(scene.account.id)),
    "delete": (None, lambda scene: scene.auth.accounts.delete(scene.account.id)),
    "close": (None, lambda scene: scene.auth.accounts.close(scene.account.id, PASSWORD)),
    "sign in": (None, sign_in),
    "refresh": (None, lambda scene: scene.auth.sessions.refresh(scene.refresh_token)),
    "enable": (None, lambda scene: scene.auth.accounts.enable(scene.account.id)),
    "grant a role": (None, lambda scene: scene.auth.roles.grant(scene.account.id, "premium")),
    "revoke a role": (None, lambda scene: scene.auth.roles.revoke(scene.account.id, "user")),
    "end a session": (None, lambda scene: scene.auth.sessions.end(scene.session_id)),
    "sign out everywhere": (None, lambda scene: scene.auth.sessions.end_all(scene.account.id)),
}


# What was changed is read again for the answer; where that fails, it is done, and the same again changes nothing.
READ_AGAIN = {"change several"}

# Where the database has no transactions, each change is a step of its own.
SEVERAL_STEPS = {"change several"}


async def state_of(auth: FastAuth[Any], username: str) -> State:
    """Return what is stored of a user, and which password opens the account."""
    account = await auth.accounts.find(username)
    if account is None:
        return State(None, [], "")
    sessions = sorted(session.id for session in await auth.sessions.list(account.id))
    (opens,) = [password for password in (PASSWORD, NEW) if await accepts(auth, account.id, password)]
    return State(facts(account), sessions, opens)


async def set_scene(auth: FastAuth[Any], outbox: Outbox, kind: str | None) -> Scene:
    """Make a user with two sessions, and ask for the mail that the flow begins with."""
    account = await auth.accounts.create("ada", "ada@example.com", PASSWORD)
    pair = await auth.sessions.start(account)
    await auth.sessions.start(account)
    return await ask_again(Scene(auth, outbox, account, pair.refresh_token, pair.session_id, ""), kind)


async def ask_again(scene: Scene, kind: str | None) -> Scene:
    """Ask for the mail that a flow begins with."""
    accounts = scene.auth.accounts
    if kind == "verify_email":
        await accounts.request_verification(scene.account)
    elif kind == "reset_password":
        await accounts.forgot_password("ada@example.com")
    elif kind == "confirm_email_change":
        await accounts.request_email_change(scene.account.id, "new@example.com", PASSWORD)
    await settle(scene.auth)
    token = scene.outbox.token(kind) if kind is not None else ""
    scene.outbox.sent.clear()
    return scene._replace(token=token)


class Outcome(NamedTuple):
    """What was stored before a flow, when it was over, and when it had been done again; and what was mailed."""

    before: State
    after: State
    again: State
    mailed: list[str]


async def walk(store: Store[Any], make_auth: MakeAuth, name: str, *, lost: bool) -> list[Outcome]:
    """Let the flow fail at its first store call, then at its second, until it comes through; that is the last."""
    outbox, failing = Outbox(), FailingStore(store)
    failing.lost = lost
    auth = make_auth(failing, notifier=outbox, audit=AuditSettings(keep=True))
    await auth.initialize_db()
    kind, flow = FLOWS[name]
    who = "eve" if name == "register" else "ada"
    outcomes: list[Outcome] = []
    failed = True
    while failed:
        scene = await set_scene(auth, outbox, kind)
        before = await state_of(auth, who)
        failing.shared["plan"] = len(outcomes)
        try:
            await flow(scene)
            failed = False
        except StoreUnavailableException:
            failed = True
        failing.shared["plan"] = None
        await settle(auth)
        after, mailed = await state_of(auth, who), [kind for kind, _ in outbox.told()]
        if failed and not lost:
            if kind is not None and not await store.has_transactions():
                # What used the token up may stay there alone; another mail is to be had.
                scene = await ask_again(scene, kind)
            await flow(scene)
        outcomes.append(Outcome(before, after, await state_of(auth, who), mailed))
        for username in ("ada", "eve"):
            account = await auth.accounts.find(username)
            if account is not None:
                await auth.accounts.delete(account.id)
        await settle(auth)
        outbox.sent.clear()
    return outcomes


def shape(state: State) -> tuple[Any, ...]:
    """Return what of a state is the same for every user to whom the same has happened."""
    account = state.account
    kept = None if account is None else (account.email, account.disabled, account.roles)
    return (kept, len(state.sessions), state.opens)


def is_part_of_the_way(state: State, before: State, after: State) -> bool:
    """Say whether each part of the account is as before or as after."""
    accounts = [each.account for each in (state, before, after)]
    return None not in accounts and all(
        getattr(accounts[0], name) in {getattr(accounts[1], name), getattr(accounts[2], name)}
        for name in ("email", "disabled")
    )


@pytest.mark.parametrize("name", FLOWS)
async def test_a_flow_that_fails_has_done_nothing_and_can_be_repeated(
    store: Store[Any], make_auth: MakeAuth, name: str
) -> None:
    """Whichever store call fails, the user is as before, nothing is mailed, and the same flow then comes through."""
    *failures, success = await walk(store, make_auth, name, lost=False)

    assert failures
    for failure in failures:
        if name in SEVERAL_STEPS and not await store.has_transactions():
            assert is_part_of_the_way(failure.after, failure.before, success.after)
        elif name in READ_AGAIN and failure.after != failure.before:
            assert (shape(failure.after), failure.mailed) == (shape(success.after), success.mailed)
        else:
            assert (failure.after, failure.mailed) == (failure.before, [])
        assert shape(failure.again) == shape(success.after)


@pytest.mark.parametrize("name", FLOWS)
async def test_a_flow_whose_answer_is_lost_is_done_in_full_or_not_at_all(
    store: Store[Any], make_auth: MakeAuth, name: str
) -> None:
    """Where the store has done its part and only the answer is lost, the user is as before or as after: no third."""
    *failures, success = await walk(store, make_auth, name, lost=True)

    assert failures
    for failure in failures:
        if name in SEVERAL_STEPS and not await store.has_transactions():
            assert is_part_of_the_way(failure.after, failure.before, success.after)
            continue
        assert shape(failure.after) in {shape(failure.before), shape(success.after)}
