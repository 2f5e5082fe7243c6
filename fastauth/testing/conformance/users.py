"""The promises of :class:`~fastauth.core.protocols.UserStore`."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fastauth.core.exceptions import RoleNotFoundException, UserExistsException, ValidationException
from fastauth.core.models import Login
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import NEW_HASH, NOW, facts, hash_of, strange_ids
from fastauth.testing.conformance.user_changes import UserChangeConformance

# Names that some database, in some of its collations, takes for one another.
ALIKE = [
    ("jose", "josé"),
    ("jose", "jose\u0301"),
    ("strasse", "straße"),
    ("ostergotland", "östergötland"),
    ("isik", "isi\u015f"),
    ("aeon", "æon"),
    ("soren", "søren"),
    ("κοσμος", "κόσμος"),
    ("が", "か"),
]


class UserStoreConformance(UserChangeConformance):
    """Users: stored and found here, changed and deleted in :class:`UserChangeConformance`."""

    async def test_a_new_user_is_returned_as_an_account(self, store: Store[Any]) -> None:
        """A new user comes back as an account with an id, as it was given, enabled, and with its roles."""
        await store.ensure_roles({"user": "", "editor": ""})

        account = await store.add_user(self.new_user("ada"), roles=["user", "editor"])

        assert (account.username, account.email) == ("ada", "ada@example.com")
        assert (account.hashed_password, account.disabled) == (hash_of("ada"), False)
        assert account.roles == {"user", "editor"}
        assert isinstance(account.id, str)
        assert account.id
        assert account.user is not None

    async def test_a_user_is_found_by_id_name_and_address(self, store: Store[Any]) -> None:
        """A stored user is found by id, by username and by e-mail address, each time as the same account."""
        account = await self.add_user(store, "ada", roles=["user", "editor"])
        await self.add_user(store, "grace", roles=["user"])

        by_id = await store.get_user(account.id)
        by_name = await store.find_user(Login("username", "ada"))
        by_address = await store.find_user(Login("email", "ada@example.com"))

        assert [facts(found) for found in (by_id, by_name, by_address)] == [facts(account)] * 3

    async def test_a_user_without_roles_has_none(self, store: Store[Any]) -> None:
        """A user who holds no role has an empty set of them."""
        account = await self.add_user(store)
        found = await store.get_user(account.id)

        assert account.roles == frozenset()
        assert found is not None
        assert found.roles == frozenset()

    async def test_all_of_a_hundred_roles_are_there(self, store: Store[Any]) -> None:
        """An account has every one of a hundred long role names, none cut and none lost."""
        names = [f"role-{number:03}-{'x' * 55}" for number in range(100)]
        account = await self.add_user(store, roles=names)

        assert account.roles == set(names)

    async def test_nobody_is_nobody(self, store: Store[Any]) -> None:
        """An unknown id, username or address is None."""
        unknown = await self.unknown_user_id(store)

        assert await store.get_user(unknown) is None
        assert await store.find_user(Login("username", "nobody")) is None
        assert await store.find_user(Login("email", "nobody@example.com")) is None

    async def test_a_name_is_no_address_and_an_address_no_name(self, store: Store[Any]) -> None:
        """A username is looked for among usernames only, and an address among addresses only."""
        await self.add_user(store, "ada")

        assert await store.find_user(Login("email", "ada")) is None
        assert await store.find_user(Login("username", "ada@example.com")) is None

    @pytest.mark.parametrize(("one", "other"), ALIKE)
    async def test_names_are_compared_letter_by_letter(self, store: Store[Any], one: str, other: str) -> None:
        """Two names that differ in a letter, an accent or a form are two names, and each finds its own user."""
        ids = [(await self.add_user(store, name)).id for name in (one, other)]
        logins = [Login("username", name) for name in (one, other)]
        logins += [Login("email", f"{name}@example.com") for name in (one, other)]

        found = [await store.find_user(login) for login in logins]

        assert [account and account.id for account in found] == ids * 2

    @pytest.mark.parametrize(
        "name", ["JOSE", "Jose", "josé", "jose ", " jose", "jose\u0301", "jos", "jos_", "jos%", "jos.", ".*", "", "%"]
    )
    async def test_a_look_alike_finds_nobody(self, store: Store[Any], name: str) -> None:
        """No other spelling finds a user: no other case, accent or padding, and no pattern."""
        await self.add_user(store, "jose")

        assert await store.find_user(Login("username", name)) is None
        assert await store.find_user(Login("email", f"{name}@example.com")) is None
        assert await store.find_user(Login("email", f"jose@{name}")) is None

    async def test_a_taken_username_is_refused(self, store: Store[Any]) -> None:
        """A username that is taken is refused by its field, and the address it came with stays free."""
        await self.add_user(store, "ada")

        with pytest.raises(UserExistsException) as refused:
            await store.add_user(self.new_user("ada", email="other@example.com"), roles=[])

        assert refused.value.field == "username"
        assert await store.find_user(Login("email", "other@example.com")) is None
        await store.add_user(self.new_user("other"), roles=[])

    async def test_a_taken_address_is_refused(self, store: Store[Any]) -> None:
        """An e-mail address that is taken is refused by its field, and the name it came with stays free."""
        await self.add_user(store, "ada")

        with pytest.raises(UserExistsException) as refused:
            await store.add_user(self.new_user("other", email="ada@example.com"), roles=[])

        assert refused.value.field == "email"
        assert await store.find_user(Login("username", "other")) is None
        await store.add_user(self.new_user("other"), roles=[])

    async def test_a_missing_role_stores_no_user(self, store: Store[Any]) -> None:
        """A user is not stored when one of the roles does not exist, and the names stay free."""
        await store.ensure_roles({"user": ""})

        with pytest.raises(RoleNotFoundException):
            await store.add_user(self.new_user("ada"), roles=["user", "missing"])

        assert await store.find_user(Login("username", "ada")) is None
        await self.add_user(store, "ada", roles=["user"])

    async def test_an_unknown_field_stores_no_user(self, store: Store[Any]) -> None:
        """A field that the user model does not have is refused, and no user is stored."""
        new = self.new_user("ada")

        with pytest.raises(ValidationException):
            await store.add_user(replace(new, fields={**new.fields, "no_such_field": 1}), roles=[])

        assert await store.find_user(Login("username", "ada")) is None

    @pytest.mark.parametrize("name", ["username", "email", "hashed_password", "disabled", "id"])
    async def test_no_field_stands_in_for_what_is_ours(self, store: Store[Any], name: str) -> None:
        """What belongs to the library is no field of the app's, so nothing among the fields can set it."""
        new = self.new_user("ada")

        with pytest.raises(ValidationException):
            await store.add_user(replace(new, fields={**new.fields, name: 1}), roles=[])

        assert await store.find_user(Login("username", "ada")) is None

    async def test_a_strange_user_id_is_not_found(self, store: Store[Any]) -> None:
        """A malformed user id is simply not found, whichever verb is given it."""
        account = await self.add_user(store, "ada")
        session = await self.add_session(store, account)

        for user_id in strange_ids(account.id):
            assert await store.get_user(user_id) is None, user_id
            assert not await store.replace_password(user_id, old_hash=hash_of("ada"), new_hash=NEW_HASH), user_id
            assert not await store.set_password(user_id, NEW_HASH, now=NOW), user_id
            assert not await store.set_disabled(user_id, True, now=NOW), user_id
            assert not await store.set_disabled(user_id, False, now=NOW), user_id
            assert not await store.delete_user(user_id), user_id
            assert not await store.list_sessions(user_id, now=NOW), user_id
            assert await store.revoke_sessions(user_id, now=NOW) == 0, user_id
            foreign = replace(session, id="session-2", user_id=user_id)
            assert not await store.add_session(foreign, hashed_password=hash_of("ada")), user_id
        assert facts(await store.authenticate("session-1")) == facts(replace(account, session=session))

    async def test_public_values_have_the_key_and_no_secret(self, store: Store[Any]) -> None:
        """What user JSON shows has the key as ``id`` in the type that the schema says, and never the hash."""
        account = await self.add_user(store)

        values = store.public_values(account.user)

        assert str(values["id"]) == account.id
        assert isinstance(values["id"], int) is (store.schema.id_type is int)
        assert set(values) == {"id", *(field.name for field in store.schema.public)}
        assert hash_of("ada") not in map(str, values.values())

    async def test_a_user_object_is_loaded_and_detached(self, store: Store[Any]) -> None:
        """Reading the user object of an account does no I/O: it works when the store has been closed."""
        created = await self.add_user(store)
        await self.add_session(store, created)
        accounts = [created, await store.get_user(created.id), await store.authenticate("session-1")]
        await store.close()

        values = await asyncio.to_thread(
            lambda: [store.public_values(account.user) for account in accounts if account is not None]
        )

        assert [str(each["id"]) for each in values] == [created.id] * 3
