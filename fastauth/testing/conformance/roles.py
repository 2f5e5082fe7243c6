"""The promises of :class:`~fastauth.core.protocols.RoleStore`."""

from typing import Any

import pytest

from fastauth.core.exceptions import (
    PermissionDeniedException,
    RoleExistsException,
    RoleNotFoundException,
    UserNotFoundException,
)
from fastauth.core.models import Role
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import NOW, Conformance, strange_ids


class RoleStoreConformance(Conformance):
    """Roles, and who holds them."""

    async def roles_of(self, store: Store[Any], user_id: str) -> set[str] | None:
        """Return the names of the roles that the user holds; None when there is no such user."""
        account = await store.get_user(user_id)
        return None if account is None else set(account.roles)

    async def unknown_role_id(self, store: Store[Any]) -> str:
        """Return a well-formed id that no role has."""
        role = await store.add_role("gone", "")
        assert await store.delete_role(role.id)
        return role.id

    async def test_roles_are_listed_by_name(self, store: Store[Any]) -> None:
        """All roles are listed by name, letter by letter, and none is there at the start."""
        assert list(await store.list_roles()) == []

        names = ["b", "a", "a.b", "a-b", "a_b", "a:b", "ab", "a0", "10", "9"]
        added = [await store.add_role(name, f"Says {name}.") for name in names]

        assert list(await store.list_roles()) == sorted(added, key=lambda role: role.name)

    async def test_a_role_is_found_by_its_id(self, store: Store[Any]) -> None:
        """A stored role is found by its id, as it was given."""
        role = await store.add_role("editor", "Edits — and writes, ne pas déranger. 🦊")

        assert isinstance(role.id, str)
        assert (role.name, role.description) == ("editor", "Edits — and writes, ne pas déranger. 🦊")
        assert await store.get_role(role.id) == role

    async def test_a_taken_role_name_is_refused(self, store: Store[Any]) -> None:
        """A role name that is taken is refused, and the role that has it stays as it was."""
        role = await store.add_role("editor", "The first.")

        with pytest.raises(RoleExistsException):
            await store.add_role("editor", "The second.")

        assert list(await store.list_roles()) == [role]

    async def test_ensuring_roles_stores_the_missing_ones(self, store: Store[Any]) -> None:
        """Ensuring roles stores those that are missing, and leaves the descriptions of the others alone."""
        editor = await store.add_role("editor", "As we called it.")

        for _ in range(2):
            await store.ensure_roles({"editor": "Another text.", "author": "Writes."})
        await store.ensure_roles({})

        assert [(role.name, role.description) for role in await store.list_roles()] == [
            ("author", "Writes."),
            ("editor", "As we called it."),
        ]
        assert await store.get_role(editor.id) == editor

    @pytest.mark.parametrize(
        ("name", "description"),
        [("author", None), (None, "Other."), ("author", "Other."), (None, ""), (None, None), ("editor", None)],
    )
    async def test_an_update_changes_what_it_names(
        self, store: Store[Any], name: str | None, description: str | None
    ) -> None:
        """An update changes what is not None, an empty description included, and returns the role as it is then."""
        role, other = await store.add_role("editor", "Edits."), await store.add_role("other", "")
        expected = Role(role.id, name or "editor", "Edits." if description is None else description)

        assert await store.update_role(role.id, name=name, description=description) == expected
        assert await store.get_role(role.id) == expected
        assert await store.get_role(other.id) == other

    async def test_a_renamed_role_keeps_its_holders(self, store: Store[Any]) -> None:
        """Who held a role holds it under its new name."""
        account = await self.add_user(store, roles=["editor"])
        (role,) = await store.list_roles()

        await store.update_role(role.id, name="author", description=None)

        assert await self.roles_of(store, account.id) == {"author"}

    async def test_an_update_to_a_taken_name_changes_nothing(self, store: Store[Any]) -> None:
        """An update to a name that is taken is refused, and changes nothing, the description included."""
        editor, author = await store.add_role("editor", "Edits."), await store.add_role("author", "Writes.")

        with pytest.raises(RoleExistsException):
            await store.update_role(editor.id, name="author", description="Other.")

        assert list(await store.list_roles()) == [author, editor]

    async def test_a_deleted_role_is_taken_from_its_holders(self, store: Store[Any]) -> None:
        """A deleted role is taken from its holders, who do not hold the next one of its name."""
        account = await self.add_user(store, roles=["editor", "user"])
        editor = next(role for role in await store.list_roles() if role.name == "editor")

        assert await store.delete_role(editor.id)
        assert not await store.delete_role(editor.id)
        assert await store.get_role(editor.id) is None
        assert await self.roles_of(store, account.id) == {"user"}
        await store.add_role("editor", "")
        assert await self.roles_of(store, account.id) == {"user"}

    async def test_a_strange_role_id_is_not_found(self, store: Store[Any]) -> None:
        """An unknown or malformed role id is simply not found, whichever verb is given it."""
        account = await self.add_user(store, roles=["editor"])
        (role,) = await store.list_roles()

        for role_id in (await self.unknown_role_id(store), *strange_ids(role.id)):
            assert await store.get_role(role_id) is None, role_id
            assert await store.update_role(role_id, name="new", description="new") is None, role_id
            assert await store.update_role(role_id, name=None, description=None) is None, role_id
            assert not await store.delete_role(role_id), role_id
        assert list(await store.list_roles()) == [role]
        assert await self.roles_of(store, account.id) == {"editor"}

    async def test_a_role_is_granted_and_taken(self, store: Store[Any]) -> None:
        """A role is granted to one user and taken again; either may be repeated, and nobody else notices."""
        ada, grace = await self.add_user(store, "ada", roles=["user"]), await self.add_user(store, "grace")
        await store.ensure_roles({"editor": ""})

        for _ in range(2):
            await store.grant_role(ada.id, "editor")
        assert await self.roles_of(store, ada.id) == {"user", "editor"}
        assert await self.roles_of(store, grace.id) == set()

        for _ in range(2):
            await store.revoke_role(ada.id, "editor")
        assert await self.roles_of(store, ada.id) == {"user"}

    async def test_a_grant_reaches_the_sessions(self, store: Store[Any]) -> None:
        """What is granted or taken is seen by the next request of a session that began before."""
        account = await self.add_user(store)
        await self.add_session(store, account)
        await store.ensure_roles({"editor": ""})
        seen: list[Any] = []

        for change in (store.grant_role, store.revoke_role):
            await change(account.id, "editor")
            found = await store.authenticate("session-1")
            seen.append(found and found.roles)

        assert seen == [{"editor"}, frozenset()]

    async def test_a_role_name_that_does_not_exist_is_refused(self, store: Store[Any]) -> None:
        """A role that does not exist is neither granted nor taken; names are compared letter by letter."""
        account = await self.add_user(store, roles=["editor"])

        for name in ("missing", "Editor", "editor ", "édítor", "edito", "edito_", "%", "", "\x00", "\ud800"):
            with pytest.raises(RoleNotFoundException):
                await store.grant_role(account.id, name)
            with pytest.raises(RoleNotFoundException):
                await store.revoke_role(account.id, name)
        assert await self.roles_of(store, account.id) == {"editor"}

    async def test_nobody_is_granted_nothing(self, store: Store[Any]) -> None:
        """An unknown or malformed user id is refused, and no holding is left behind."""
        account = await self.add_user(store, roles=["editor"])

        for user_id in (await self.unknown_user_id(store), *strange_ids(account.id)):
            with pytest.raises(UserNotFoundException):
                await store.grant_role(user_id, "editor")
            with pytest.raises(UserNotFoundException):
                await store.revoke_role(user_id, "editor")
        assert await self.roles_of(store, account.id) == {"editor"}

    async def test_holders_of_a_higher_role_are_not_touched(self, store: Store[Any]) -> None:
        """``unless_holding`` refuses to grant to or take from a holder of one of those roles, and changes nothing."""
        account = await self.add_user(store, roles=["boss", "user"])
        await store.ensure_roles({"editor": "", "chief": ""})

        with pytest.raises(PermissionDeniedException):
            await store.grant_role(account.id, "editor", unless_holding=["chief", "boss"])
        with pytest.raises(PermissionDeniedException):
            await store.revoke_role(account.id, "user", unless_holding=["chief", "boss"])

        assert await self.roles_of(store, account.id) == {"boss", "user"}

    async def test_all_others_are_touched(self, store: Store[Any]) -> None:
        """``unless_holding`` lets through who holds none of those roles, among them roles that do not exist."""
        account = await self.add_user(store, roles=["user"])
        await store.ensure_roles({"editor": "", "boss": ""})

        await store.grant_role(account.id, "editor", unless_holding=["boss", "missing"])
        await store.revoke_role(account.id, "user", unless_holding=["boss", "missing"])

        assert await self.roles_of(store, account.id) == {"editor"}

    async def test_a_disabled_user_keeps_their_roles(self, store: Store[Any]) -> None:
        """Roles are held, granted and taken whether the user is enabled or not."""
        account = await self.add_user(store, roles=["user"])
        await store.ensure_roles({"editor": ""})
        await store.set_disabled(account.id, True, now=NOW)

        await store.grant_role(account.id, "editor")

        found = await store.get_user(account.id)
        assert found is not None
        assert found.disabled
        assert set(found.roles) == {"user", "editor"}
