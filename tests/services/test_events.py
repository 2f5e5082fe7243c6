"""Hooks in two phases: before an event is committed, with a veto; and after it, where failure harms nothing."""

import asyncio
import functools
import logging
from typing import Any, cast

import pytest

from fastauth import (
    Account,
    AuthorizationException,
    ConfigurationError,
    FastAuth,
    RoleNotFoundException,
    Store,
    UserExistsException,
    UserNotFoundException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core import events
from fastauth.core.events import (
    AccountEvent,
    EmailChanged,
    Event,
    PasswordChanged,
    PasswordRefused,
    PasswordResetRequested,
    RoleUpdated,
    SignedIn,
    SignInFailed,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from fastauth.core.settings import AuditSettings
from fastauth.services import background
from tests.conftest import PASSWORD, client_of
from tests.outbox import mailing, settle
from tests.services.conftest import MakeAuth, facts, make, memory_only
from tests.web.helpers import app_of

NEW = "another horse battery"


class NotInvited(AuthorizationException):
    """An error of an app's own."""

    code = "APP_NOT_INVITED"
    default_message = "You need an invitation."


async def test_a_before_hook_acts_in_the_transaction_of_the_event(store: Store[Any], make_auth: MakeAuth) -> None:
    """It sees the account that is about to be, with the session of the transaction; and what it refuses is not."""
    auth = make_auth(store)
    await auth.initialize_db()
    seen: list[Any] = []

    @auth.before(UserRegistered)
    async def invited(event: UserRegistered[Any], session: Any) -> None:
        seen.append((event.account.username, event.account.roles, session is None))
        if event.account.username == "eve":
            raise NotInvited

    await make(auth, "ada")
    with pytest.raises(NotInvited):
        await make(auth, "eve")

    is_memory = isinstance(store, MemoryStore)
    assert [each[:2] for each in seen] == [("ada", {"user"}), ("eve", {"user"})]
    assert not is_memory or {each[2] for each in seen} == {True}
    assert await auth.accounts.find("eve") is None
    assert [account.username for account in await auth.accounts.list()] == ["ada"]


async def test_a_veto_reaches_the_client_in_the_envelope(make_auth: MakeAuth) -> None:
    """An error of the app's own class, below one of ours, has its own code and its branch's status."""
    auth = make_auth(MemoryStore())

    @auth.before(UserRegistered)
    def invited(event: UserRegistered[Any]) -> None:
        raise NotInvited

    async with client_of(await app_of(auth)) as client:
        answer = await client.post("/register", json={"username": "e", "email": "e@example.com", "password": PASSWORD})

    assert (answer.status_code, answer.json()) == (
        403,
        {"error": {"code": "APP_NOT_INVITED", "message": "You need an invitation.", "status_code": 403}},
    )


ACTS: dict[str, Any] = {
    "user.registered": lambda auth, user: make(auth, "new"),
    "user.disabled": lambda auth, user: auth.accounts.disable(user.id),
    "user.deleted": lambda auth, user: auth.accounts.delete(user.id),
    "password.changed": lambda auth, user: auth.accounts.set_password(user.id, NEW),
    "email.changed": lambda auth, user: auth.accounts.update(user.id, {"email": "new@example.com"}),
    "session.started": lambda auth, user: auth.sessions.start(user),
    "session.revoked": lambda auth, user: auth.sessions.end_all(user.id),
    "role.granted": lambda auth, user: auth.roles.grant(user.id, "premium"),
    "role.revoked": lambda auth, user: auth.roles.revoke(user.id, "user"),
    "role.created": lambda auth, user: auth.roles.create("editor"),
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", ACTS)
async def test_a_veto_leaves_no_trace(store: Store[Any], make_auth: MakeAuth, name: str, keep: bool) -> None:
    """What a before hook refuses has not happened on any store: no row, no line of the trail, no after hook."""
    auth = make_auth(store, audit=AuditSettings(keep=keep))
    await auth.initialize_db()
    ada = await make(auth, "ada")
    pair = await auth.sessions.start(ada)
    roles, after = await auth.roles.list(), list[str]()
    records = len(await auth.audit.list())

    @auth.before(Event)
    def refuse(event: Event) -> None:
        assert event.name == name
        raise NotInvited

    auth.on(Event)(lambda event: after.append(event.name))
    with pytest.raises(NotInvited):
        await ACTS[name](auth, ada)
    await settle(auth)

    assert facts(await auth.accounts.get(ada.id)) == facts(ada)
    assert [session.id for session in await auth.sessions.list(ada.id)] == [pair.session_id]
    assert len(await auth.accounts.list()) == 1
    assert await auth.roles.list() == roles
    assert len(await auth.audit.list()) == records
    assert after == []


async def test_what_a_hook_does_elsewhere_waits_for_nobody(store: Store[Any], make_auth: MakeAuth) -> None:
    """A hook after the event sees it committed, acts by the services, and the answer does not wait for it."""
    auth = make_auth(store)
    await auth.initialize_db()
    may_go = asyncio.Event()

    @auth.on(UserRegistered)
    async def promote(event: UserRegistered[Any]) -> None:
        await may_go.wait()
        await auth.roles.grant(event.account.id, "premium")

    ada = await make(auth, "ada")
    assert (await auth.accounts.get(ada.id)).roles == {"user"}
    may_go.set()
    await settle(auth)

    assert (await auth.accounts.get(ada.id)).roles == {"user", "premium"}


@memory_only
async def test_what_goes_wrong_after_an_event_harms_nothing(
    auth: FastAuth[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """An after hook that raises is logged by name, and the others run."""
    ran: list[str] = []

    @auth.on(UserRegistered)
    def breaks(event: UserRegistered[Any]) -> None:
        raise LookupError("no such plan")

    auth.on(AccountEvent)(lambda event: ran.append(event.name))
    await make(auth, "ada")
    await settle(auth)

    assert ran == ["user.registered"]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "breaks after user.registered" in errors[0]


@memory_only
async def test_a_hook_too_many_is_left_out_and_said(
    auth: FastAuth[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where too much is waiting, what was committed stays so, and the log names the hook that did not run."""
    ran: list[str] = []
    auth.on(UserRegistered)(lambda event: ran.append(event.name))
    monkeypatch.setattr(background, "_MOST", 0)

    await make(auth, "ada")
    await settle(auth)

    assert await auth.accounts.find("ada") is not None
    assert ran == []
    assert "A hook was left out" in caplog.text


@memory_only
async def test_a_class_higher_up_stands_for_all_below_it(auth: FastAuth[Any]) -> None:
    """A hook of ``Event`` hears of everything, one of a class in between of what is below that, each once."""
    everything, of_accounts, own = list[str](), list[str](), list[str]()
    auth.on(Event)(lambda event: everything.append(event.name))
    auth.on(AccountEvent)(lambda event: of_accounts.append(event.name))
    auth.on(UserDisabled)(lambda event: own.append(event.name))

    ada = await make(auth, "ada")
    await auth.accounts.disable(ada.id)
    await settle(auth)

    assert everything == ["user.registered", "user.disabled"]
    assert (of_accounts, own) == (["user.registered"], ["user.disabled"])


class Sink:
    """Takes events in every way that a function can."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def method(self, event: Event) -> None:
        self.taken.append("method")

    async def with_session(self, event: Event, session: Any) -> None:
        self.taken.append("with session")

    def by_default(self, event: Event, session: Any = None, *, other: int = 1) -> None:
        self.taken.append("by default")

    def everything(self, *arguments: Any) -> None:
        self.taken.append(f"everything {len(arguments)}")

    def __call__(self, event: Event) -> None:
        self.taken.append("object")


@memory_only
async def test_a_hook_may_be_anything_that_takes_an_event(auth: FastAuth[Any]) -> None:
    """Methods, objects, partial functions and defaults do; the session is for whoever takes two things."""
    sink = Sink()
    for hook in (sink.method, sink.with_session, sink.by_default, sink.everything, sink):
        assert auth.before(UserRegistered)(hook) is hook
    auth.before(UserRegistered)(functools.partial(Sink.method, sink))

    await make(auth, "ada")

    assert sink.taken == ["method", "with session", "by default", "everything 2", "object", "method"]


@pytest.mark.parametrize("event_class", ["user.registered", UserRegistered.name, Account, object, None])
def test_what_is_no_event_is_refused(make_auth: MakeAuth, event_class: Any) -> None:
    """A hook is for a class of events, and anything else is refused when it is registered."""
    auth = make_auth(MemoryStore())

    for register in (auth.on, auth.before):
        with pytest.raises(ConfigurationError, match="is no event"):
            register(event_class)


@memory_only
async def test_a_hook_without_its_event_is_refused(auth: FastAuth[Any]) -> None:
    """Without parentheses a hook would be registered for nothing, and a veto never run: it is refused by name."""
    sink = Sink()

    def veto(event: UserRegistered) -> None: ...
    async def welcome(event: UserRegistered) -> None: ...

    for register in (auth.on, auth.before):
        for hook in (veto, welcome, lambda event: None, sink.method):
            with pytest.raises(
                ConfigurationError, match=r"write @auth\.on\(UserRegistered\), or @auth\.before"
            ) as caught:
                register(cast("Any", hook))
            assert hook.__qualname__ in caught.value.message


def test_a_function_that_cannot_be_a_hook_is_refused(make_auth: MakeAuth) -> None:
    """A function that takes nothing, or too much, is refused by name when it is registered."""
    auth = make_auth(MemoryStore())

    def nothing() -> None: ...
    def too_much(event: Event, session: Any, more: Any) -> None: ...
    def named(event: Event, *, session: Any) -> None: ...

    for hook in (nothing, too_much, named):
        for register in (auth.on, auth.before):
            with pytest.raises(ConfigurationError, match=hook.__name__):
                register(UserRegistered)(hook)
    with pytest.raises(ConfigurationError, match="the event, and nothing else"):
        auth.on(UserRegistered)(lambda event, session: None)


@pytest.mark.parametrize(
    "event_class", [SignInFailed, PasswordRefused, PasswordResetRequested, events.EmailChangeRequested]
)
def test_what_changes_nothing_has_no_before(make_auth: MakeAuth, event_class: type[Event]) -> None:
    """Where nothing is committed, a hook that would never run is refused."""
    with pytest.raises(ConfigurationError, match=r"auth\.on"):
        make_auth(MemoryStore()).before(event_class)(lambda event: None)


async def test_nothing_is_told_that_did_not_happen(store: Store[Any], make_auth: MakeAuth) -> None:
    """What is refused, or changes nothing, makes no event and no line of the trail."""
    auth = make_auth(store, audit=AuditSettings(keep=True))
    await auth.initialize_db()
    ada, told = await make(auth, "ada"), list[str]()
    role = await auth.roles.create("editor", "Edits.")
    await auth.audit.purge(auth.sessions._clock().replace(year=2100))
    auth.on(Event)(lambda event: told.append(event.name))
    auth.before(Event)(lambda event: told.append(event.name))

    await auth.accounts.enable(ada.id)
    await auth.accounts.update(ada.id, {})
    await auth.accounts.update(ada.id, {"email": "ada@example.com", "disabled": False})
    await auth.roles.update(role.id, name="editor", description="Edits.")
    await auth.roles.grant(ada.id, "user")
    await auth.roles.revoke(ada.id, "premium")
    await auth.sessions.end_all(ada.id)
    for refused, error in (
        (make(auth, "ada"), UserExistsException),
        (auth.accounts.disable("0"), UserNotFoundException),
        (auth.accounts.delete("0"), UserNotFoundException),
        (auth.roles.update("0", name="x"), RoleNotFoundException),
        (auth.roles.delete("0"), RoleNotFoundException),
        (auth.roles.grant(ada.id, "nothing"), RoleNotFoundException),
    ):
        with pytest.raises(error):
            await refused
    await settle(auth)

    assert told == []
    assert await auth.audit.list() == []


async def test_several_changes_are_one_step_and_an_event_each(store: Store[Any], make_auth: MakeAuth) -> None:
    """What one call changes happens together or not at all; each part has its event, and the last veto undoes all."""
    if not await store.has_transactions():
        pytest.skip("without transactions, each change is a step of its own")
    async with mailing(store, make_auth, "ada", audit=AuditSettings(keep=True)) as flow:
        auth = flow.auth
        ada = await auth.accounts.find("ada")
        assert ada is not None
        told, refuses = list[str](), [NotInvited()]
        auth.on(Event)(lambda event: told.append(event.name))

        @auth.before(UserDisabled)
        def refuse_once(event: UserDisabled) -> None:
            if refuses:
                raise refuses.pop()

        changes = {"email": "new@example.com", "disabled": True}
        with pytest.raises(NotInvited):
            await auth.accounts.update(ada.id, changes)
        await settle(auth)
        assert facts(await auth.accounts.get(ada.id)) == facts(ada)
        assert (told, flow.outbox.told()) == ([], [])

        changed = await auth.accounts.update(ada.id, changes)
        await settle(auth)
        assert (changed.email, changed.disabled) == ("new@example.com", True)
        assert told == ["email.changed", "user.disabled"]
        assert flow.outbox.told() == [("email_changed", "ada@example.com")]
        assert [record.event for record in await auth.audit.list(user_id=ada.id)][:2] == told[::-1]


@memory_only
async def test_events_say_what_is_and_what_was(auth: FastAuth[Any]) -> None:
    """The account of an event is the one that is afterwards; the old address is in the event itself."""
    seen: dict[str, Any] = {}
    auth.on(Event)(lambda event: seen.update({event.name: event}))
    ada = await make(auth, "ada", "verified")

    await auth.accounts.update(ada.id, {"email": "new@example.com"}, by=None)
    await auth.accounts.set_password(ada.id, NEW)
    await auth.accounts.disable(ada.id)
    await auth.accounts.enable(ada.id)
    after = await auth.accounts.get(ada.id)
    await auth.sessions.start(after)
    await settle(auth)

    changed: EmailChanged[Any] = seen["email.changed"]
    password: PasswordChanged[Any] = seen["password.changed"]
    assert (changed.old_email, changed.new_email) == ("ada@example.com", "new@example.com")
    assert (changed.account.email, changed.account.verified) == ("new@example.com", False)
    assert password.account.hashed_password == after.hashed_password
    assert isinstance(seen["user.enabled"], UserEnabled)
    assert isinstance(seen["session.started"], SignedIn)
    assert not any(secret in repr(seen) for secret in (PASSWORD, NEW, ada.hashed_password, after.hashed_password))


@memory_only
async def test_a_role_has_one_event_for_each_change(auth: FastAuth[Any]) -> None:
    """Making, changing and deleting a role is told, with the role as it is then."""
    seen: list[tuple[str, str]] = []
    auth.on(events.RoleEvent)(lambda event: seen.append((event.name, event.role.name)))

    role = await auth.roles.create("editor")
    await auth.roles.update(role.id, name="author")
    await auth.roles.delete(role.id)
    await settle(auth)

    assert seen == [("role.created", "editor"), (RoleUpdated.name, "author"), ("role.deleted", "author")]
