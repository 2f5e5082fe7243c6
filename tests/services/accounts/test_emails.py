"""The address of an account: to verify it, and to change it."""

from typing import Any

import pytest

from fastauth import (
    Account,
    CredentialsException,
    KeysUnavailableException,
    RoleNotFoundException,
    Store,
    StoreUnavailableException,
    TokenException,
    UserExistsException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core.events import AccountEvent
from tests.conftest import PASSWORD
from tests.core.vaults import Vault
from tests.outbox import Flow, mailing, settle
from tests.services.conftest import MakeAuth, facts
from tests.services.watched_store import WatchedStore


async def account_of(flow: Flow, username: str = "ada") -> Account[Any]:
    account = await flow.auth.accounts.find(username)
    assert account is not None
    return account


async def test_an_address_is_verified_by_what_was_mailed_to_it(store: Store[Any], make_auth: MakeAuth) -> None:
    """Registration mails the token, taking it grants the role, and who is verified is mailed nothing more."""
    async with mailing(store, make_auth) as flow:
        account = await flow.auth.accounts.register("ada", "ada@example.com", PASSWORD)
        await settle(flow.auth)
        verified = await flow.auth.accounts.verify_email(flow.outbox.token("verify_email"))
        told = flow.outbox.told()
        await flow.auth.accounts.request_verification(verified)
        await settle(flow.auth)

        assert (account.verified, verified.verified) == (False, True)
        assert told == [("verify_email", "ada@example.com")]
        assert flow.outbox.told() == []
        assert verified.user is not None


async def test_a_second_token_for_what_is_verified_already_is_refused(store: Store[Any], make_auth: MakeAuth) -> None:
    """Of two mails one is enough; the other has nothing left to do."""
    async with mailing(store, make_auth, "ada") as flow:
        tokens = [await flow.mailed("verify_email") for _ in range(2)]
        await flow.auth.accounts.verify_email(tokens[0])

        with pytest.raises(TokenException) as caught:
            await flow.auth.accounts.verify_email(tokens[1])
        assert caught.value.reason == "nothing to verify"


async def test_a_bare_migration_is_filled_when_somebody_verifies(make_auth: MakeAuth) -> None:
    """Where the standard roles are not there yet, the first verification makes them."""

    class Forgetful(MemoryStore):
        filled = False

        async def set_email(self, *args: Any, **kwargs: Any) -> bool:
            if not self.filled:
                raise RoleNotFoundException
            return await super().set_email(*args, **kwargs)

        async def ensure_roles(self, roles: Any) -> None:
            self.filled = bool(self._shared.data.users)
            await super().ensure_roles(roles)

    async with mailing(Forgetful(), make_auth, "ada") as flow:
        token = await flow.mailed("verify_email")

        assert (await flow.auth.accounts.verify_email(token)).verified


async def test_an_address_is_changed_by_what_was_mailed_to_the_new_one(store: Store[Any], make_auth: MakeAuth) -> None:
    """The new address is the account's, and verified; the old one is free again."""
    async with mailing(store, make_auth, "ada") as flow:
        changed = await flow.auth.accounts.confirm_email_change(await flow.mailed("confirm_email_change"))

        assert (changed.email, changed.verified) == ("new.ada@example.com", True)
        assert facts(await account_of(flow)) == facts(changed)
        await flow.auth.accounts.register("eve", "ada@example.com", PASSWORD)


async def test_what_cannot_be_an_address_of_the_account_is_refused(store: Store[Any], make_auth: MakeAuth) -> None:
    """Its own address, none at all, somebody else's, or a wrong password: nothing is mailed."""
    async with mailing(store, make_auth, "ada", "eve") as flow:
        ada = await account_of(flow)
        for user_id, address, password, error in (
            (ada.id, "ada@example.com", PASSWORD, ValidationException),
            (ada.id, "ADA@Example.com", PASSWORD, ValidationException),
            (ada.id, "nowhere", PASSWORD, ValidationException),
            (ada.id, "eve@example.com", PASSWORD, UserExistsException),
            (ada.id, "new@example.com", "wrong password", CredentialsException),
            ("0", "new@example.com", PASSWORD, UserNotFoundException),
        ):
            with pytest.raises(error):
                await flow.auth.accounts.request_email_change(user_id, address, password)
        await settle(flow.auth)

        assert flow.outbox.told() == []


async def test_an_address_that_was_taken_meanwhile_is_refused_and_the_token_stays_good(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """Between the mail and its link somebody registers with the address; when they are gone, the link works."""
    async with mailing(store, make_auth, "ada") as flow:
        token = await flow.mailed("confirm_email_change")
        eve = await flow.auth.accounts.register("eve", "new.ada@example.com", PASSWORD)

        with pytest.raises(UserExistsException):
            await flow.auth.accounts.confirm_email_change(token)
        await flow.auth.accounts.delete(eve.id)
        assert (await flow.auth.accounts.confirm_email_change(token)).email == "new.ada@example.com"


@pytest.mark.parametrize("kind", ["verify_email", "confirm_email_change", "reset_password"])
async def test_an_account_that_moves_on_at_the_last_moment_is_left_alone(
    store: Store[Any], make_auth: MakeAuth, kind: str
) -> None:
    """What changes between the look at the account and the change makes the token good for nothing."""
    watched = WatchedStore(store)
    async with mailing(watched, make_auth, "ada") as flow:  # type: ignore[arg-type]
        accounts, ada = flow.auth.accounts, await account_of(flow)
        token = await flow.mailed(kind)
        if kind == "reset_password":
            watched.before["set_password"] = lambda: accounts.delete(ada.id)
            taking: Any = accounts.reset_password(token, "another horse battery")
        else:
            watched.before["set_email"] = lambda: store.set_email(ada.id, "third@example.com", verified=False)
            taking = accounts.verify_email(token) if kind == "verify_email" else accounts.confirm_email_change(token)

        with pytest.raises(TokenException) as caught:
            await taking
        assert caught.value.reason == "moved on"


@pytest.mark.parametrize("kind", ["verify_email", "confirm_email_change"])
async def test_what_was_done_is_told_even_if_it_cannot_be_read_again(
    store: Store[Any], make_auth: MakeAuth, kind: str
) -> None:
    """When the store fails after the change, the answer is the account as it has to be by now."""
    watched = WatchedStore(store)
    async with mailing(watched, make_auth, "ada") as flow:  # type: ignore[arg-type]
        token = await flow.mailed(kind)

        async def outage() -> None:
            raise StoreUnavailableException

        async def then_fail() -> None:
            watched.before["get_user"] = outage

        watched.before["use_token"] = then_fail
        if kind == "verify_email":
            account = await flow.auth.accounts.verify_email(token)
        else:
            account = await flow.auth.accounts.confirm_email_change(token)
        watched.before.clear()

        assert facts(await account_of(flow)) == facts(account)


@pytest.mark.parametrize("enumeration_safe", [False, True])
async def test_a_mail_whose_token_cannot_be_signed_leaves_nothing_half_done(
    make_auth: MakeAuth, *, enumeration_safe: bool
) -> None:
    """Without the external signer nothing is mailed or on record, whether an address is taken or not."""
    vault = Vault()
    async with mailing(
        MemoryStore(), make_auth, "ada", "eve", secret_key=vault.key, enumeration_safe=enumeration_safe
    ) as flow:
        accounts, ada = flow.auth.accounts, await account_of(flow)
        on_record: list[str] = []

        @flow.auth.on(AccountEvent)
        async def note(event: AccountEvent[Any]) -> None:
            on_record.append(event.name)

        addresses = ["new.ada@example.com", *(["eve@example.com"] if enumeration_safe else [])]
        asked = [
            *(
                lambda address=address: accounts.request_email_change(ada.id, address, PASSWORD)
                for address in addresses
            ),
            lambda: accounts.forgot_password("ada@example.com"),
            lambda: accounts.request_verification(ada),
        ]
        vault.is_away = True
        for ask in asked:
            with pytest.raises(KeysUnavailableException):
                await ask()
        await settle(flow.auth)
        assert (on_record, flow.outbox.told()) == ([], [])
        vault.is_away = False
        for ask in asked:
            await ask()
        await settle(flow.auth)

        assert on_record == ["email.change_requested"] * len(addresses) + ["password.reset_requested"]
        assert ("confirm_email_change", "new.ada@example.com") in flow.outbox.told()
