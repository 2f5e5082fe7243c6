"""The password of an account: to change it, and to get back in without it."""

from dataclasses import replace
from typing import Any

from fastauth.core.events import PasswordChanged, PasswordResetRequested
from fastauth.core.exceptions import CredentialsException, UserNotFoundException
from fastauth.core.models import Account, U
from fastauth.core.notifications import NotificationKind
from fastauth.core.protocols import CommitStep
from fastauth.core.signing import Purpose
from fastauth.services.accounts.base import AccountsBase
from fastauth.services.single_use import refusal


class AccountPasswords(AccountsBase[U]):
    """Sets passwords; with each, the sessions that began under another end in the same step."""

    async def set_password(self, user_id: str, new_password: str) -> None:
        """Set the password and end every session, in one step.

        For operators and scripts; no route leads here, since no administrator knows a user's password (ASVS 6.4.6).

        Raises:
            UserNotFoundException: There is no such user.
            WeakPasswordException: The password does not meet the policy.
        """
        account = await self.get(user_id)
        if not await self._set(account, new_password, how="set"):
            raise UserNotFoundException

    def check_new_password(self, account: Account[Any], new_password: str) -> None:
        """Judge a password for this account by everything that needs no I/O: a look ahead, before any proof.

        Raises:
            WeakPasswordException: The password does not meet the policy.
        """
        with self._sent_as("new_password"):
            self._passwords.policy.check(new_password, username=account.username, email=account.email)

    async def change_password(
        self, user_id: str, current_password: str, new_password: str, *, keep_session: str | None = None
    ) -> None:
        """Set the password of someone who knows the current one, and end every session but one, in one step.

        Args:
            user_id: The user.
            current_password: What proves that it is the user who asks (ASVS 6.2.3).
            new_password: The password to set.
            keep_session: The session to keep, usually the one that asks.

        Raises:
            UserNotFoundException: There is no such user.
            CredentialsException: The current password is wrong.
            WeakPasswordException: The new password does not meet the policy.
        """
        account = await self._prove(user_id, current_password)
        if not await self._set(account, new_password, how="change", keep_session=keep_session):
            # Another password was set meanwhile, and the old one proves nothing any more.
            raise CredentialsException("The current password is not correct.")

    async def forgot_password(self, email: str) -> None:
        """Mail the owner of this address a link to choose a new password; nothing happens when nobody has it.

        It goes to the address as it is stored, whatever was typed (CVE-2019-19844).

        Raises:
            KeysUnavailableException: The external signer does not sign; nothing was mailed or put on record.
            ConfigurationError: There is no notifier.
        """
        self._notices.require()
        account = await self._find_by_email(email)
        if account is None or account.disabled:
            return
        token = await self._tokens.make(Purpose.RESET_PASSWORD, account, account.hashed_password, account.email)
        lifetime = self._tokens.lifetimes[Purpose.RESET_PASSWORD]
        await self._events.record(self._events.make(PasswordResetRequested, account=account), self._store)
        self._notices.send(NotificationKind.RESET_PASSWORD, account, token=token, expires_in=lifetime)

    def forgot_password_later(self, email: str) -> None:
        """Do what :meth:`forgot_password` does when the answer is out, so that its time tells nothing.

        Raises:
            ConfigurationError: There is no notifier.
            StoreUnavailableException: Too much is waiting already.
        """
        self._notices.require()
        self._background.start("forgotten password", self.forgot_password(email), secret=True)

    async def reset_password(self, token: str, new_password: str) -> None:
        """Take the token that was mailed: set the password and end every session, in one step.

        Raises:
            TokenException: The token is not good, was used before, or the account has another password or address by
                now.
            WeakPasswordException: The password does not meet the policy; the token is still good.
        """
        claims = self._tokens.read(token, Purpose.RESET_PASSWORD)
        account = await self._store.get_user(claims["sub"])
        if account is None or account.disabled:
            raise refusal("no such account")
        self._tokens.check_state(claims, account.hashed_password, account.email)
        if not await self._set(account, new_password, how="reset", first=self._tokens.use(claims)):
            raise refusal("moved on")

    async def _set(
        self,
        account: Account[U],
        new_password: str,
        *,
        how: str,
        keep_session: str | None = None,
        first: CommitStep[U] | None = None,
    ) -> bool:
        with self._sent_as("new_password"):
            new_hash = await self._hash(new_password, account.username, account.email)
        now = self._now()
        old_hash = None if how == "set" else account.hashed_password
        changed = await self._events.commit(
            self._store,
            lambda store: store.set_password(
                account.id, new_hash, now=now, old_hash=old_hash, keep_session=keep_session
            ),
            PasswordChanged,
            lambda _: self._events.make(
                PasswordChanged,
                by=None if how == "set" else account,
                account=replace(account, hashed_password=new_hash),
                how=how,
            ),
            first=first,
        )
        if changed:
            await self._unlock(account)
            self._notices.send(NotificationKind.PASSWORD_CHANGED, account)
        return changed
