"""Accounts: register, find, move in, disable, delete, on every store."""

import asyncio
from dataclasses import replace
from typing import Any

import bcrypt
import pytest

from fastauth import (
    Account,
    FastAuth,
    ProtectedRoleException,
    RoleNotFoundException,
    Store,
    UserExistsException,
    UserNotFoundException,
    ValidationException,
    WeakPasswordException,
)
from tests.conftest import PASSWORD
from tests.services.conftest import MakeAuth, accepts, facts, memory_only


async def test_a_new_account_is_kept_in_canonical_form_with_the_role_user(
    auth: FastAuth[Any], store: Store[Any]
) -> None:
    """What was registered in any spelling is there in one, enabled, with a hash and one role."""
    account = await auth.accounts.register("Ada", "Ada.Lovelace@Example.COM", PASSWORD)

    assert (account.username, account.email) == ("ada", "ada.lovelace@example.com")
    assert (account.disabled, account.roles, account.session, account.verified) == (False, {"user"}, None, False)
    assert account.hashed_password.startswith("$bcrypt-sha256$")
    assert PASSWORD not in repr(account) + str(vars(account.user))
    assert (account.user.username, account.user.email) == (account.username, account.email)
    assert store.public_values(account.user) == {"id": store.schema.id_type(account.user.id)}
    assert str(account.user.id) == account.id
    assert facts(await auth.accounts.get(account.id)) == facts(account)


async def test_an_account_is_found_by_name_or_address_in_any_spelling(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Whoever looks for an account need not know how it was spelled; what names nobody finds nobody."""
    for login in ("ada", "ADA", "\uff21da", "ada@example.com", "Ada@EXAMPLE.com", "\uff41da@example.com"):
        assert facts(await auth.accounts.find(login)) == facts(ada)
    for login in ("", "eve", "eve@example.com", "ada@", "a b", "\ud800", "ada\0", "ad", "a%", "x" * 5000):
        assert await auth.accounts.find(login) is None


@pytest.mark.usefixtures("ada")
async def test_an_id_that_is_nobodys_is_not_found(auth: FastAuth[Any]) -> None:
    """An id of nobody, or one that cannot be an id, is not found by any use case."""
    accounts = auth.accounts

    for user_id in ("", "0", "-1", "99", "x", "1 ", "\u0661", "\0", "\ud800", "9" * 400):
        for use_case in (
            accounts.get(user_id),
            accounts.disable(user_id),
            accounts.enable(user_id),
            accounts.set_password(user_id, PASSWORD),
            accounts.change_password(user_id, PASSWORD, PASSWORD),
            accounts.delete(user_id),
        ):
            with pytest.raises(UserNotFoundException):
                await use_case


@pytest.mark.usefixtures("ada")
async def test_a_name_or_an_address_is_taken_in_every_spelling(auth: FastAuth[Any]) -> None:
    """A second account under a taken name or address is refused, and the error says which of the two it is."""
    for username, email, field in (
        ("ada", "other@example.com", "username"),
        ("ADA", "other@example.com", "username"),
        ("\uff21da", "other@example.com", "username"),
        ("other", "ada@example.com", "email"),
        ("other", "ADA@Example.com", "email"),
        ("ada", "ada@example.com", "username"),
    ):
        with pytest.raises(UserExistsException) as caught:
            await auth.accounts.register(username, email, PASSWORD)
        assert caught.value.field == field


async def test_what_looks_alike_is_another_name(auth: FastAuth[Any]) -> None:
    """Names that differ in an accent or in one letter are different, whatever a database thinks of them."""
    for number, username in enumerate(("jose", "jos\u00e9", "strasse", "stra\u00dfe", "ada", "ad\u00e4")):
        await auth.accounts.register(username, f"user{number}@example.com", PASSWORD)

    assert len(await auth.accounts.list()) == 6


@memory_only
async def test_what_does_not_fit_is_refused_before_anything_is_stored(auth: FastAuth[Any]) -> None:
    """A bad name, address or password is refused with the place where it stands, and leaves nothing behind."""
    for username, email, password, error, field in (
        ("a b", "ada@example.com", PASSWORD, ValidationException, "username"),
        ("ada@home", "ada@example.com", PASSWORD, ValidationException, "username"),
        ("ada", "nowhere", PASSWORD, ValidationException, "email"),
        ("ada", "ada@example.com", "short", WeakPasswordException, "password"),
        ("ada", "ada@example.com", "x" * 1025, WeakPasswordException, "password"),
        ("ada", "ada@example.com", "\ud800" * 20, ValidationException, "password"),
    ):
        with pytest.raises(error) as caught:
            await auth.accounts.register(username, email, password)
        assert caught.value.details[0]["loc"] == ["body", field]
    assert not await auth.accounts.list()


async def test_a_field_that_is_not_the_models_own_is_refused(auth: FastAuth[Any]) -> None:
    """Nobody registers with a field that the model does not have, or that belongs to us."""
    for field in ("nickname", "id", "hashed_password", "disabled", "roles", ""):
        with pytest.raises(ValidationException) as caught:
            await auth.accounts.create("ada", "ada@example.com", PASSWORD, fields={field: "1"})
        assert caught.value.details[0]["loc"] == ["body", field]
    assert await auth.accounts.find("ada") is None


@memory_only
async def test_a_value_fits_into_the_column_of_the_model(auth: FastAuth[Any], store: Store[Any]) -> None:
    """Where the model's columns are shorter than our limits, theirs hold."""
    store.schema = replace(store.schema, username_max_length=3, email_max_length=9)

    await auth.accounts.register("ada", "ada@b.com", PASSWORD)
    for username, email, field in (("adam", "eve@b.com", "username"), ("eve", "eve.x@b.com", "email")):
        with pytest.raises(ValidationException) as caught:
            await auth.accounts.register(username, email, PASSWORD)
        assert caught.value.details[0]["loc"] == ["body", field]
        assert caught.value.details[0]["type"] == "string_too_long"


async def test_the_first_registration_after_a_bare_migration_works(store: Store[Any], make_auth: MakeAuth) -> None:
    """Where the tables were made by a migration and hold no roles yet, the standard ones are filled in."""
    auth = make_auth(store)

    account = await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    assert account.roles == {"user"}
    assert len(await auth.roles.list()) == 6


async def test_an_account_can_be_made_with_other_roles_which_have_to_exist(auth: FastAuth[Any]) -> None:
    """Roles are given by name; one that is not there leaves no half-made account."""
    account = await auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=("admin", "moderator"))

    with pytest.raises(RoleNotFoundException) as refused:
        await auth.accounts.create("eve", "eve@example.com", PASSWORD, roles=("user", "nothing"))
    assert (refused.value.roles, refused.value.message) == (("nothing",), "Role not found: nothing.")
    assert account.roles == {"admin", "moderator"}
    assert await auth.accounts.find("eve") is None


async def test_a_user_is_moved_in_with_the_hash_of_another_house(auth: FastAuth[Any]) -> None:
    """A hash that is verified here is taken as it is, and the old password still opens."""
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()

    account = await auth.accounts.create("ada", "ada@example.com", None, hashed_password=stored)

    assert account.hashed_password == stored
    assert await accepts(auth, account.id, PASSWORD)


@memory_only
async def test_an_account_has_a_password_or_a_hash_that_works(auth: FastAuth[Any]) -> None:
    """Neither, both, or a hash that nobody could ever sign in with are refused."""
    for password, hashed_password, field in (
        (None, None, "password"),
        (PASSWORD, "$2b$04$" + "." * 53, "password"),
        (None, "", "hashed_password"),
        (None, PASSWORD, "hashed_password"),
        (None, "5f4dcc3b5aa765d61d8327deb882cf99", "hashed_password"),
        ("", None, "password"),
    ):
        with pytest.raises(ValidationException) as caught:
            await auth.accounts.create("ada", "ada@example.com", password, hashed_password=hashed_password)
        assert caught.value.details[0]["loc"] == ["body", field]
    assert await auth.accounts.find("ada") is None


async def test_of_many_simultaneous_registrations_one_succeeds(auth: FastAuth[Any]) -> None:
    """Under any race one name and one address belong to one account, and the others are told so."""
    spellings = [("Ada", "ADA@example.com"), ("ada", "ada@example.com"), ("\uff21da", "ada@EXAMPLE.com")]
    same_name = [(spellings[number % 3][0], f"a{number}@example.com") for number in range(20)]
    same_address = [(f"user{number}", spellings[number % 3][1]) for number in range(20)]

    outcomes = await asyncio.gather(
        *(auth.accounts.register(*each, PASSWORD) for each in same_name + same_address), return_exceptions=True
    )

    for kind in (outcomes[:20], outcomes[20:]):
        assert sorted(type(outcome).__name__ for outcome in kind) == ["Account"] + ["UserExistsException"] * 19
    assert len(await auth.accounts.list()) == 2


async def test_disabling_and_enabling_may_be_repeated(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """A disabled account can be disabled, and an enabled one enabled; the state is what was asked for last."""
    for disabled in (True, True, False, False):
        await (auth.accounts.disable(ada.id) if disabled else auth.accounts.enable(ada.id))

        assert (await auth.accounts.get(ada.id)).disabled is disabled


async def test_a_deleted_user_is_gone_with_sessions_and_roles(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """After a deletion nothing of the user is left, the name is free, and the key is not given out again."""
    pair = await auth.sessions.start(ada)
    await auth.roles.grant(ada.id, "moderator")

    await auth.accounts.delete(ada.id)
    with pytest.raises(UserNotFoundException):
        await auth.accounts.delete(ada.id)
    again = await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    assert again.id != ada.id
    assert again.roles == {"user"}
    assert not await auth.sessions.list(ada.id)
    assert pair.session_id not in {session.id for session in await auth.sessions.list(again.id)}


async def test_the_last_superadmin_is_neither_disabled_nor_deleted(auth: FastAuth[Any]) -> None:
    """The only enabled superadmin stays; one of two may go, and a disabled one does not count."""
    first, second = [
        await auth.accounts.create(name, f"{name}@example.com", PASSWORD, roles=("superadmin",))
        for name in ("root", "toor")
    ]
    await auth.accounts.disable(first.id)

    for use_case in (auth.accounts.disable, auth.accounts.delete):
        with pytest.raises(ProtectedRoleException, match="last enabled superadmin"):
            await use_case(second.id)
    assert facts(await auth.accounts.get(second.id)) == facts(second)
    await auth.accounts.delete(first.id)
    with pytest.raises(ProtectedRoleException):
        await auth.accounts.delete(second.id)


async def test_a_user_object_that_was_handed_out_is_no_door_to_the_store(
    auth: FastAuth[Any], ada: Account[Any]
) -> None:
    """Whatever is done to the object, what is stored stays as it is."""
    ada.user.disabled = True
    ada.user.username = "eve"

    assert (await auth.accounts.get(ada.id)).user.username == "ada"
    assert not (await auth.accounts.get(ada.id)).disabled
