"""What is done to accounts by their owners and by those above them, at the level of the service."""

from typing import Any

import pytest

from fastauth import (
    CredentialsException,
    FastAuth,
    PermissionDeniedException,
    ProtectedRoleException,
    Store,
    UserExistsException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.core.settings import AuditSettings
from tests.conftest import PASSWORD
from tests.outbox import mailing
from tests.services.conftest import MakeAuth, facts, make, memory_only
from tests.services.watched_store import WatchedStore, disable_behind_our_back

NEW = "another horse battery"


async def test_an_administrator_changes_an_address_which_is_then_unverified(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """The address is in canonical form, whatever was given, and its owner has to verify it anew."""
    async with mailing(store, make_auth, "admin") as flow:
        admin = await flow.auth.accounts.find("admin")
        ada = await make(flow.auth, "ada", "verified")

        changed = await flow.auth.accounts.update(ada.id, {"email": "New@EXAMPLE.com"}, by=admin)

        assert (changed.email, changed.verified) == ("new@example.com", False)
        for email, error in (("nowhere", ValidationException), ("admin@example.com", UserExistsException)):
            with pytest.raises(error):
                await flow.auth.accounts.update(ada.id, {"email": email, "disabled": True}, by=admin)
        assert facts(await flow.auth.accounts.get(ada.id)) == facts(changed)


@memory_only
async def test_who_is_no_administrator_changes_nothing_that_is_not_theirs(auth: FastAuth[Any]) -> None:
    """A user acts on nobody else, and on their own account not in an administrator's way."""
    ada, eve = await make(auth, "ada"), await make(auth, "eve")
    role = await auth.roles.create("editor")
    for refused in (
        auth.accounts.update(eve.id, {}, by=ada),
        auth.accounts.update(eve.id, {"disabled": True}, by=ada),
        auth.accounts.update(ada.id, {"email": "new@example.com"}, by=ada),
        auth.accounts.update(ada.id, {"disabled": True}, by=ada),
        auth.accounts.disable(eve.id, by=ada),
        auth.accounts.enable(eve.id, by=ada),
        auth.accounts.delete(eve.id, by=ada),
        auth.accounts.create("bob", "bob@example.com", PASSWORD, by=ada),
        auth.sessions.end_all(eve.id, by=ada),
        auth.roles.grant(eve.id, "premium", by=ada),
        auth.roles.create("author", by=ada),
        auth.roles.update(role.id, name="author", by=ada),
        auth.roles.delete(role.id, by=ada),
    ):
        with pytest.raises(PermissionDeniedException):
            await refused

    assert await auth.accounts.update(ada.id, {}, by=ada) == ada
    assert len(await auth.accounts.list()) == 2
    assert await auth.roles.get(role.id) == role


@memory_only
async def test_nobody_makes_an_account_that_is_above_them(auth: FastAuth[Any]) -> None:
    """An admin makes users and admins; a superadmin, or the system, also superadmins."""
    admin, root = await make(auth, "admin", "admin"), await make(auth, "root", "superadmin")

    for roles in (("superadmin",), ("user", "SUPERADMIN")):
        with pytest.raises(PermissionDeniedException):
            await auth.accounts.create("eve", "eve@example.com", PASSWORD, roles=roles, by=admin)
    made = [
        await auth.accounts.create("bob", "bob@example.com", PASSWORD, roles=("admin",), by=admin),
        await auth.accounts.create("eve", "eve@example.com", PASSWORD, roles=("superadmin",), by=root),
    ]

    assert [set(account.roles) for account in made] == [{"admin"}, {"superadmin"}]


async def test_to_disable_who_is_disabled_already_still_ends_their_sessions(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """Where the app itself has set the column, disabling is no news, and the sessions end all the same."""
    auth = make_auth(store, audit=AuditSettings(keep=True))
    await auth.initialize_db()
    ada = await make(auth, "ada")
    await auth.sessions.start(ada)
    await disable_behind_our_back(store, ada)

    await auth.accounts.disable(ada.id)

    assert await auth.sessions.list(ada.id) == []
    assert await auth.audit.list(event="user.disabled") == []


async def test_who_closes_an_account_knows_its_password(store: Store[Any], make_auth: MakeAuth) -> None:
    """A wrong password, or one that was changed at the last moment, closes nothing; the last superadmin stays."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.initialize_db()
    ada, root = await make(auth, "ada"), await make(auth, "root", "superadmin")

    with pytest.raises(CredentialsException):
        await auth.accounts.close(ada.id, "wrong password")
    watched.before["delete_user"] = lambda: auth.accounts.set_password(ada.id, NEW)
    with pytest.raises(CredentialsException):
        await auth.accounts.close(ada.id, PASSWORD)
    with pytest.raises(ProtectedRoleException):
        await auth.accounts.close(root.id, PASSWORD)
    with pytest.raises(UserNotFoundException):
        await auth.accounts.close("0", PASSWORD)
    assert len(await auth.accounts.list()) == 2
    await auth.accounts.close(ada.id, NEW)

    assert await auth.accounts.find("ada") is None


@pytest.mark.parametrize("verb", ["set_disabled", "set_email", "delete_user", "set_password"])
async def test_who_is_deleted_at_the_last_moment_is_not_found(
    store: Store[Any], make_auth: MakeAuth, verb: str
) -> None:
    """Where the user goes between the look and the change, that is what is said."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.initialize_db()
    ada = await make(auth, "ada")
    watched.before[verb] = lambda: store.delete_user(ada.id)
    acts: dict[str, Any] = {
        "set_disabled": lambda: auth.accounts.disable(ada.id),
        "set_email": lambda: auth.accounts.update(ada.id, {"email": "new@example.com"}),
        "delete_user": lambda: auth.accounts.delete(ada.id),
        "set_password": lambda: auth.accounts.set_password(ada.id, NEW),
    }

    with pytest.raises(UserNotFoundException):
        await acts[verb]()


async def test_another_service_acts_on_another_store(auth: FastAuth[Any], store: Store[Any]) -> None:
    """``accounts.on`` is the same service where it is told to act, and leaves the first one where it was."""
    watched = WatchedStore(store)

    await auth.accounts.on(watched).register("ada", "ada@example.com", PASSWORD)  # type: ignore[arg-type]

    assert "add_user" in watched.calls
    calls = len(watched.calls)
    assert await auth.accounts.find("ada") is not None
    assert len(watched.calls) == calls
