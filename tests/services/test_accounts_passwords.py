"""The password of an account: set, changed by who knows it, and never undone, on every store."""

from typing import Any

import pytest

from fastauth import (
    Account,
    CredentialsException,
    FastAuth,
    Store,
    UserNotFoundException,
    WeakPasswordException,
)
from tests.conftest import PASSWORD
from tests.services.conftest import MakeAuth, accepts, facts, memory_only
from tests.services.watched_store import WatchedStore


async def test_r_se_7_a_set_password_replaces_the_old_one_and_ends_every_session(
    auth: FastAuth[Any], ada: Account[Any]
) -> None:
    """After a reset only the new password works, and nobody is signed in."""
    for _ in range(2):
        await auth.sessions.start(ada)

    await auth.accounts.set_password(ada.id, "another password")

    assert await accepts(auth, ada.id, "another password")
    assert not await accepts(auth, ada.id, PASSWORD)
    assert not await auth.sessions.list(ada.id)


async def test_r_se_7_a_changed_password_keeps_the_session_that_asked(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Who changes the password stays signed in where they are, and nowhere else."""
    here, _ = await auth.sessions.start(ada), await auth.sessions.start(ada)

    await auth.accounts.change_password(ada.id, PASSWORD, "another password", keep_session=here.session_id)

    assert [session.id for session in await auth.sessions.list(ada.id)] == [here.session_id]
    assert await accepts(auth, ada.id, "another password")
    await auth.accounts.change_password(ada.id, "another password", "a third password")
    assert not await auth.sessions.list(ada.id)


async def test_r_pw_11_a_password_is_changed_only_by_who_knows_it(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Without the current password nothing changes: not the hash, and no session."""
    await auth.sessions.start(ada)

    for current in ("wrong password", "", PASSWORD.upper(), PASSWORD + " ", "x" * 5000):
        with pytest.raises(CredentialsException, match="current password is not correct"):
            await auth.accounts.change_password(ada.id, current, "another password")
    assert facts(await auth.accounts.get(ada.id)) == facts(ada)
    assert len(await auth.sessions.list(ada.id)) == 1


@memory_only
async def test_a_weak_new_password_changes_nothing(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """The policy holds for a new password as for the first one."""
    await auth.sessions.start(ada)

    with pytest.raises(WeakPasswordException):
        await auth.accounts.set_password(ada.id, "short")
    with pytest.raises(WeakPasswordException):
        await auth.accounts.change_password(ada.id, PASSWORD, "short")
    assert facts(await auth.accounts.get(ada.id)) == facts(ada)
    assert len(await auth.sessions.list(ada.id)) == 1


async def test_a_change_by_the_old_password_does_not_undo_a_reset(store: Store[Any], make_auth: MakeAuth) -> None:
    """A password that was reset while someone changed it with the old one stays the reset one."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    watched.before["set_password"] = lambda: auth.accounts.set_password(ada.id, "reset by the owner")

    with pytest.raises(CredentialsException):
        await auth.accounts.change_password(ada.id, PASSWORD, "set by the thief")
    assert await accepts(auth, ada.id, "reset by the owner")


async def test_a_user_who_is_deleted_meanwhile_gets_no_password(store: Store[Any], make_auth: MakeAuth) -> None:
    """A deletion that comes first wins: there is nobody to set a password for, and none that proves anything."""
    watched = WatchedStore(store)
    auth = make_auth(watched)

    for name, passwords, error in (
        ("set_password", ["another password"], UserNotFoundException),
        ("change_password", [PASSWORD, "another password"], CredentialsException),
    ):
        ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
        watched.before["set_password"] = lambda user_id=ada.id: auth.accounts.delete(user_id)
        with pytest.raises(error):
            await getattr(auth.accounts, name)(ada.id, *passwords)
        assert await auth.accounts.find("ada") is None
