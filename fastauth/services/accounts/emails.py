"""The address of an account: to verify it, and to change it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from fastauth.core.events import EmailChanged, EmailChangeRequested, EmailVerified
from fastauth.core.exceptions import (
    RoleNotFoundException,
    StoreUnavailableException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import STANDARD_ROLES, VERIFIED, Account, Login, U
from fastauth.core.notifications import NotificationKind
from fastauth.core.signing import Purpose
from fastauth.services.accounts.base import AccountsBase
from fastauth.services.single_use import refusal

_R = TypeVar("_R")


class Emails(AccountsBase[U]):
    """Proves that mail to an address reaches the owner of the account."""

    async def request_verification(self, account: Account[U]) -> None:
        """Mail the account's address a link to verify it; nothing happens when it is verified, or nothing is mailed.

        Raises:
            KeysUnavailableException: The external signer does not sign.
        """
        if account.verified or not self._notices.enabled:
            return
        token = await self._tokens.make(Purpose.VERIFY_EMAIL, account, account.email)
        lifetime = self._tokens.lifetimes[Purpose.VERIFY_EMAIL]
        self._notices.send(NotificationKind.VERIFY_EMAIL, account, token=token, expires_in=lifetime)

    async def verify_email(self, token: str) -> Account[U]:
        """Take the token that was mailed: the account holds the role ``verified`` from now on.

        Raises:
            TokenException: The token is not good, was used before, or was mailed to another address than the account
                has by now.
        """
        claims = self._tokens.read(token, Purpose.VERIFY_EMAIL)
        account = await self._store.get_user(claims["sub"])
        if account is None or account.disabled or account.verified:
            raise refusal("nothing to verify")
        self._tokens.check_state(claims, account.email)

        async def verify() -> bool:
            return await self._events.commit(
                self._store,
                lambda store: store.set_email(account.id, account.email, verified=True, old_email=account.email),
                EmailVerified,
                lambda _: self._events.make(EmailVerified, by=account, account=_with_verified(account)),
                first=self._tokens.use(claims),
            )

        if not await self._with_standard_roles(verify):
            raise refusal("moved on")
        return await self._as_it_is_now(_with_verified(account))

    def check_new_email(self, account: Account[Any], new_email: str) -> str:
        """Return an address as it is kept, if this account may ask for it, whoever else has it; before any proof.

        Args:
            account: Who asks.
            new_email: In any spelling.

        Raises:
            ValidationException: The address is none, or is the account's already.
            ConfigurationError: There is no notifier.
        """
        self._notices.require()
        with self._sent_as("new_email"):
            canonical = self._checked_email(new_email)
        if canonical == account.email:
            raise ValidationException.of("new_email", "This is the account's address already.")
        return canonical

    async def request_email_change(self, user_id: str, new_email: str, current_password: str) -> None:
        """Mail the new address a link that makes it the account's, and tell the present one of it.

        Args:
            user_id: The user.
            new_email: In any spelling.
            current_password: What proves that it is the user who asks (ASVS 7.5.1).

        Raises:
            UserNotFoundException: There is no such user.
            CredentialsException: The current password is wrong.
            ValidationException: The address is none, or is the account's already.
            UserExistsException: Somebody else has the address; with ``enumeration_safe``, only that address is told.
            KeysUnavailableException: The external signer does not sign; nothing was mailed or put on record.
            ConfigurationError: There is no notifier.
        """
        account = await self._prove(user_id, current_password)
        canonical = self.check_new_email(account, new_email)
        is_taken = await self._store.find_user(Login("email", canonical)) is not None
        if is_taken and not self._enumeration_safe:
            raise UserExistsException(field="email")
        # It dies with the password, too: who takes a stolen account back by a new password also stops this. It is made
        # before anything is told, so that an outage of the signer leaves nothing half done; and also where it goes
        # nowhere, or that outage, and the time that signing takes, would say whether the address is taken.
        state = (account.email, account.hashed_password)
        token = await self._tokens.make(Purpose.CHANGE_EMAIL, account, *state, email=canonical)
        event = self._events.make(EmailChangeRequested, by=account, account=account, new_email=canonical)
        await self._events.record(event, self._store)
        # Whoever asks hears the same in both cases, in the mail to the present address, too.
        self._notices.send(NotificationKind.EMAIL_CHANGE_REQUESTED, account, new_email=canonical)
        if is_taken:
            self._notices.send(NotificationKind.ALREADY_REGISTERED, account, to=canonical)
            return
        self._notices.send(
            NotificationKind.CONFIRM_EMAIL_CHANGE,
            account,
            to=canonical,
            token=token,
            expires_in=self._tokens.lifetimes[Purpose.CHANGE_EMAIL],
            new_email=canonical,
        )

    async def confirm_email_change(self, token: str) -> Account[U]:
        """Take the token that was mailed to the new address: it is the account's from now on, and verified.

        Raises:
            TokenException: The token is not good, was used before, or the account has another address or password by
                now.
            UserExistsException: Somebody else has taken the address meanwhile.
        """
        claims = self._tokens.read(token, Purpose.CHANGE_EMAIL)
        account = await self._store.get_user(claims["sub"])
        if account is None or account.disabled:
            raise refusal("no such account")
        self._tokens.check_state(claims, account.email, account.hashed_password)
        new_email: str = claims["email"]

        async def change() -> bool:
            return await self._events.commit(
                self._store,
                lambda store: store.set_email(account.id, new_email, verified=True, old_email=account.email),
                EmailChanged,
                lambda _: self._changed(account, new_email, verified=True, by=account),
                first=self._tokens.use(claims),
            )

        if not await self._with_standard_roles(change):
            raise refusal("moved on")
        self._notices.send(NotificationKind.EMAIL_CHANGED, account, new_email=new_email)
        return await self._as_it_is_now(replace(_with_verified(account), email=new_email))

    def _changed(
        self, account: Account[U], new_email: str, *, verified: bool, by: Account[Any] | None
    ) -> EmailChanged[U]:
        roles = account.roles | {VERIFIED} if verified else account.roles - {VERIFIED}
        changed = replace(account, email=new_email, roles=roles)
        return self._events.make(EmailChanged, by=by, account=changed, old_email=account.email, new_email=new_email)

    async def _as_it_is_now(self, expected: Account[U]) -> Account[U]:
        # What was done is done and the token is used up: a read that fails must not say otherwise.
        try:
            return await self._store.get_user(expected.id) or expected
        except StoreUnavailableException:
            return expected

    async def _with_standard_roles(self, step: Callable[[], Awaitable[_R]]) -> _R:
        try:
            return await step()
        except RoleNotFoundException:
            # The schema was made by a migration, and nobody has filled it yet.
            await self._store.ensure_roles(STANDARD_ROLES)
            return await step()


def _with_verified(account: Account[U]) -> Account[U]:
    return replace(account, roles=account.roles | {VERIFIED})
