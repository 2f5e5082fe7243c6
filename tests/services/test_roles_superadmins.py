"""At least one enabled superadmin remains, under any race, and out of an admin's reach, on every store."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fastauth import (
    Account,
    FastAuth,
    PermissionDeniedException,
    ProtectedRoleException,
    Store,
)
from tests.services.conftest import MakeAuth, make, roles_of
from tests.services.watched_store import WatchedStore


async def enabled_superadmins(auth: FastAuth[Any]) -> int:
    return len(await auth.accounts.list(role="superadmin", disabled=False))


async def test_r_az_5_who_becomes_a_superadmin_meanwhile_is_out_of_an_admins_reach(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """Whether the target is a superadmin is judged in the step that changes the role, and not before it."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.initialize_db()
    chief, ada = await make(auth, "chief", "admin"), await make(auth, "ada", "moderator")
    watched.before["revoke_role"] = lambda: store.grant_role(ada.id, "superadmin")

    with pytest.raises(PermissionDeniedException):
        await auth.roles.revoke(ada.id, "moderator", by=chief)
    assert "moderator" in await roles_of(auth, ada)


async def test_the_last_enabled_superadmin_keeps_the_role(auth: FastAuth[Any]) -> None:
    """Nobody takes the role from the last one, not even the last one; a disabled superadmin does not count."""
    root, spare = await make(auth, "root", "superadmin"), await make(auth, "spare", "superadmin")
    await auth.accounts.disable(spare.id)

    for by in (None, root):
        with pytest.raises(ProtectedRoleException, match="last enabled superadmin"):
            await auth.roles.revoke(root.id, "superadmin", by=by)
    await auth.roles.revoke(spare.id, "superadmin")
    with pytest.raises(ProtectedRoleException):
        await auth.roles.revoke(root.id, "superadmin")
    assert await roles_of(auth, root) == ["superadmin", "user"]
    assert await enabled_superadmins(auth) == 1


async def test_where_there_is_no_superadmin_none_is_protected(auth: FastAuth[Any]) -> None:
    """Taking the role from someone who does not hold it is nothing, also where nobody does."""
    ada = await make(auth, "ada")

    await auth.roles.revoke(ada.id, "superadmin")
    await auth.accounts.disable(ada.id)
    await auth.accounts.delete(ada.id)

    assert await enabled_superadmins(auth) == 0


async def test_two_superadmins_who_demote_each_other_never_both_succeed(auth: FastAuth[Any]) -> None:
    """Whichever way one makes the other leave, at the same moment: one stays, and the other is told why."""
    pair = [await make(auth, name, "superadmin") for name in ("root", "toor")]
    ways: list[Callable[[Account[Any], Account[Any]], Any]] = [
        lambda target, by: auth.roles.revoke(target.id, "superadmin", by=by),
        lambda target, by: auth.accounts.disable(target.id),
    ]

    for attempt in range(24):
        first, second = ways[attempt % 2], ways[attempt // 2 % 2]
        outcomes = await asyncio.gather(first(pair[0], pair[1]), second(pair[1], pair[0]), return_exceptions=True)

        assert {type(outcome) for outcome in outcomes} == {type(None), ProtectedRoleException}
        assert await enabled_superadmins(auth) == 1
        for account in pair:
            await auth.accounts.enable(account.id)
            await auth.roles.grant(account.id, "superadmin")


async def test_r_az_3_of_many_superadmins_who_all_leave_at_once_one_stays(auth: FastAuth[Any]) -> None:
    """Demoted, disabled and deleted all at once, exactly one of twelve is left."""
    accounts = [await make(auth, f"root{number}", "superadmin") for number in range(12)]
    leave = [lambda user_id: auth.roles.revoke(user_id, "superadmin"), auth.accounts.disable, auth.accounts.delete]

    outcomes = await asyncio.gather(
        *(leave[number % 3](account.id) for number, account in enumerate(accounts)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes].count(ProtectedRoleException) == 1
    assert outcomes.count(None) == 11
    assert await enabled_superadmins(auth) == 1
