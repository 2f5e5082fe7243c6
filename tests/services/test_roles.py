"""Roles: made, changed and deleted; the standard ones stay, on every store."""

import asyncio
from typing import Any

import pytest

from fastauth import (
    STANDARD_ROLES,
    FastAuth,
    ProtectedRoleException,
    Role,
    RoleExistsException,
    RoleNotFoundException,
    Store,
    ValidationException,
)
from tests.services.conftest import MakeAuth, make, memory_only, roles_of
from tests.services.watched_store import WatchedStore

NO_SUCH_IDS = ("", "x", "0" * 16, "f" * 400, "\0", "\ud800", "\u0661", "' OR 1=1 --")
BAD_NAMES = ("", " ", "a b", "a,b", "-a", "é", "a" * 65, "a\n", "a\0", "\ud800")


async def test_the_standard_roles_are_there_by_name(auth: FastAuth[Any]) -> None:
    """The six standard roles are listed by name, each with its description and an id of its own."""
    roles = await auth.roles.list()

    assert [role.name for role in roles] == sorted(STANDARD_ROLES)
    assert {role.name: role.description for role in roles} == STANDARD_ROLES
    assert len({role.id for role in roles}) == 6
    assert [await auth.roles.get(role.id) for role in roles] == roles


async def test_a_role_is_made_changed_and_deleted(auth: FastAuth[Any]) -> None:
    """A role of the app's own can be given another name and description, each by itself, and be deleted."""
    made = await auth.roles.create("Editor", "Edits.")
    renamed = await auth.roles.update(made.id, name="Author")
    described = await auth.roles.update(made.id, description="Writes.")
    same = await auth.roles.update(made.id)
    emptied = await auth.roles.update(made.id, name="author", description="")

    assert made == Role(made.id, "editor", "Edits.")
    assert renamed == Role(made.id, "author", "Edits.")
    assert described == same == Role(made.id, "author", "Writes.")
    assert emptied == await auth.roles.get(made.id) == Role(made.id, "author", "")
    await auth.roles.delete(made.id)
    assert made.id not in {role.id for role in await auth.roles.list()}


async def test_what_is_not_there_is_not_found(auth: FastAuth[Any]) -> None:
    """An id of no role, or one that cannot be an id, is not found by any use case."""
    for role_id in NO_SUCH_IDS:
        for use_case in (
            auth.roles.get(role_id),
            auth.roles.update(role_id, name="editor"),
            auth.roles.update(role_id, description="Edits."),
            auth.roles.update(role_id),
            auth.roles.delete(role_id),
        ):
            with pytest.raises(RoleNotFoundException):
                await use_case


async def test_a_name_is_taken_in_every_spelling(auth: FastAuth[Any]) -> None:
    """A second role of a name is refused, when it is made and when it is renamed, above all a standard one."""
    editor = await auth.roles.create("editor")
    author = await auth.roles.create("author")

    for name in ("editor", "EDITOR", "admin", "Superadmin"):
        with pytest.raises(RoleExistsException):
            await auth.roles.create(name)
        with pytest.raises(RoleExistsException):
            await auth.roles.update(author.id, name=name)
    assert await auth.roles.get(author.id) == author
    assert await auth.roles.update(editor.id, name="Editor") == editor


@memory_only
async def test_what_does_not_fit_is_refused(auth: FastAuth[Any]) -> None:
    """A name of other characters, or a description of more than 255, is refused with the place where it stands."""
    editor = await auth.roles.create("editor", "x" * 255)

    for name in BAD_NAMES:
        for use_case in (auth.roles.create(name), auth.roles.update(editor.id, name=name)):
            with pytest.raises(ValidationException) as caught:
                await use_case
            assert caught.value.details[0]["loc"] == ["body", "name"]
    for use_case in (auth.roles.create("author", "x" * 256), auth.roles.update(editor.id, description="x" * 256)):
        with pytest.raises(ValidationException) as caught:
            await use_case
        assert caught.value.details[0]["loc"] == ["body", "description"]
    assert await auth.roles.get(editor.id) == editor


async def test_a_standard_role_keeps_its_name_and_its_place(auth: FastAuth[Any]) -> None:
    """None of the six can be renamed or deleted; what it is described as may be said in other words."""
    for role in await auth.roles.list():
        with pytest.raises(ProtectedRoleException):
            await auth.roles.update(role.id, name="other")
        with pytest.raises(ProtectedRoleException):
            await auth.roles.delete(role.id)
        changed = await auth.roles.update(role.id, name=role.name.upper(), description="In other words.")

        assert changed == Role(role.id, role.name, "In other words.")


@memory_only
async def test_no_role_takes_a_standard_name_before_the_standard_role_is_there(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """Where the standard roles have not been made yet, no other role is renamed into one of them."""
    auth = make_auth(store)
    editor = await auth.roles.create("editor")

    for name in STANDARD_ROLES:
        with pytest.raises(RoleExistsException):
            await auth.roles.update(editor.id, name=name)
    assert await auth.roles.list() == [editor]


async def test_a_deleted_role_is_taken_from_its_holders(auth: FastAuth[Any]) -> None:
    """Who held a role that was deleted does not hold it, nor one that is made anew under its name."""
    editor = await auth.roles.create("editor")
    ada = await make(auth, "ada", "editor")

    await auth.roles.delete(editor.id)
    await auth.roles.create("editor")

    assert await roles_of(auth, ada) == ["user"]


async def test_a_role_that_goes_meanwhile_is_not_found(store: Store[Any], make_auth: MakeAuth) -> None:
    """Of two who delete a role at once one is told that it is not there, and so is who changes it."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.initialize_db()

    for verb, arguments in (("delete", {}), ("update", {"description": "Edits."})):
        role = await auth.roles.create("editor")
        watched.before[f"{verb}_role"] = lambda role=role: store.delete_role(role.id)
        with pytest.raises(RoleNotFoundException):
            await getattr(auth.roles, verb)(role.id, **arguments)


async def test_of_many_who_make_one_role_at_once_one_succeeds(auth: FastAuth[Any]) -> None:
    """A name is one role's under any race, and the others are told so."""
    outcomes = await asyncio.gather(*(auth.roles.create("editor") for _ in range(20)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Role"] + ["RoleExistsException"] * 19
    assert [role.name for role in await auth.roles.list()].count("editor") == 1
