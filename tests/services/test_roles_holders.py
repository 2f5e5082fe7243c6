"""Who holds a role, and who may give and take it, on every store."""

import asyncio
from typing import Any

import pytest

from fastauth import (
    Account,
    FastAuth,
    PermissionDeniedException,
    Role,
    RoleNotFoundException,
    UserNotFoundException,
)
from fastauth.services.roles import satisfies_all, satisfies_any
from tests.services.conftest import make, roles_of

BAD_NAMES = ("", " ", "a b", "a,b", "-a", "é", "a" * 65, "a\n", "a\0", "\ud800")


async def role_named(auth: FastAuth[Any], name: str) -> Role:
    return next(role for role in await auth.roles.list() if role.name == name)


async def test_a_role_is_granted_and_revoked_in_any_case_and_as_often_as_one_likes(auth: FastAuth[Any]) -> None:
    """Granting what is held and taking what is not changes nothing and is no error."""
    ada = await make(auth, "ada")

    for _ in range(2):
        await auth.roles.grant(ada.id, "Moderator")
    after_grant = await roles_of(auth, ada)
    for _ in range(2):
        await auth.roles.revoke(ada.id, "MODERATOR")

    assert after_grant == ["moderator", "user"]
    assert await roles_of(auth, ada) == ["user"]


async def test_roles_are_granted_to_who_is_there_and_only_if_they_are(auth: FastAuth[Any]) -> None:
    """Neither a user nor a role that does not exist is granted or revoked anything."""
    ada = await make(auth, "ada")

    for change in (auth.roles.grant, auth.roles.revoke):
        for user_id in ("", "99", "x", "\0", "\ud800", "9" * 400):
            with pytest.raises(UserNotFoundException):
                await change(user_id, "moderator")
        for name in ("nothing", *BAD_NAMES):
            with pytest.raises(RoleNotFoundException) as refused:
                await change(ada.id, name)
            assert refused.value.roles in {("nothing",), ()}  # what no role can be called is not repeated
            assert ("nothing" in refused.value.message) is (name == "nothing")
    for user_id in ("", "99", "x"):
        with pytest.raises(UserNotFoundException):
            await auth.roles.of(user_id)


async def test_a_user_has_the_roles_of_now_by_name(auth: FastAuth[Any]) -> None:
    """The roles of a user come as roles, sorted by name."""
    ada = await make(auth, "ada", "verified", "moderator", "admin")

    assert [role.name for role in await auth.roles.of(ada.id)] == ["admin", "moderator", "user", "verified"]
    assert (await auth.roles.of(ada.id))[0] == await role_named(auth, "admin")
    assert (await auth.accounts.get(ada.id)).verified


# Who acts, on whom, with which role: may they?
MAY = [
    (None, "nobody", "superadmin", True),
    (None, "root", "admin", True),
    ("root", "nobody", "superadmin", True),
    ("root", "chief", "superadmin", True),
    ("root", "other root", "superadmin", True),
    ("root", "other root", "moderator", True),
    ("chief", "nobody", "moderator", True),
    ("chief", "nobody", "admin", True),
    ("chief", "other chief", "admin", True),
    ("chief", "chief", "moderator", True),
    ("chief", "nobody", "superadmin", False),
    ("chief", "nobody", "SuperAdmin", False),
    ("chief", "chief", "superadmin", False),
    ("chief", "root", "superadmin", False),
    ("chief", "root", "moderator", False),
    ("chief", "root", "admin", False),
    ("nobody", "nobody", "moderator", False),
    ("nobody", "nobody", "admin", False),
    ("nobody", "other nobody", "premium", False),
    ("nobody", "nobody", "superadmin", False),
    ("moderator", "nobody", "moderator", False),
    ("moderator", "moderator", "admin", False),
]


async def test_r_az_3_who_may_grant_and_take_what(auth: FastAuth[Any]) -> None:
    """An admin gives and takes every role but superadmin, from anyone but a superadmin; others nothing; we anything."""
    people = {
        "root": await make(auth, "root", "superadmin"),
        "other root": await make(auth, "root2", "superadmin"),
        "chief": await make(auth, "chief", "admin"),
        "other chief": await make(auth, "chief2", "admin"),
        "moderator": await make(auth, "moderator", "moderator"),
        "nobody": await make(auth, "nobody"),
        "other nobody": await make(auth, "nobody2"),
    }

    for actor, target, role, allowed in MAY:
        by = people[actor] if actor else None
        before = await roles_of(auth, people[target])
        for change in (auth.roles.grant, auth.roles.revoke):
            if allowed:
                await change(people[target].id, role, by=by)
                continue
            with pytest.raises(PermissionDeniedException) as caught:
                await change(people[target].id, role, by=by)
            assert caught.value.required <= {"admin", "superadmin"}
            assert await roles_of(auth, people[target]) == before, (actor, target, role)
        if allowed:
            assert role not in await roles_of(auth, people[target]), (actor, target, role)
            if role in before:
                await auth.roles.grant(people[target].id, role)


async def test_grants_and_revocations_at_once_leave_one_holding_or_none(auth: FastAuth[Any]) -> None:
    """Many who give and take one role at the same moment make no error and no double holding."""
    ada = await make(auth, "ada")

    await asyncio.gather(
        *((auth.roles.grant if number % 2 else auth.roles.revoke)(ada.id, "moderator") for number in range(40))
    )
    held = await roles_of(auth, ada)
    await auth.roles.revoke(ada.id, "moderator")

    assert held in (["moderator", "user"], ["user"])
    assert await roles_of(auth, ada) == ["user"]


@pytest.mark.parametrize(
    ("held", "required", "any_of", "all_of"),
    [
        ((), (), False, True),
        (("user",), ("admin",), False, False),
        (("admin",), ("admin",), True, True),
        (("admin",), ("admin", "moderator"), True, False),
        (("admin", "moderator", "user"), ("admin", "moderator"), True, True),
        (("superadmin",), ("admin", "moderator"), True, True),
        (("superadmin",), ("nothing",), True, True),
    ],
)
def test_a_guard_compares_sets(held: tuple[str, ...], required: tuple[str, ...], any_of: bool, all_of: bool) -> None:
    """One of the roles, or all of them; a superadmin passes every guard."""
    account = Account("1", "ada", "ada@example.com", "", False, frozenset(held), None)

    assert satisfies_any(account, required) is any_of
    assert satisfies_all(account, required) is all_of
