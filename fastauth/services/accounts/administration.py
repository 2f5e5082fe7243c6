"""What is done to accounts: list, change, disable, delete."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fastauth.core.events import EmailChanged, UserDeleted, UserDisabled, UserEnabled, UserUpdated
from fastauth.core.exceptions import CredentialsException, UserNotFoundException, ValidationException
from fastauth.core.models import Account, U
from fastauth.core.notifications import NotificationKind
from fastauth.services.accounts.emails import Emails
from fastauth.services.ranks import beyond_reach

_MAX_PAGE = 1000


class Administration(Emails[U]):
    """Changes accounts, by their owners and by administrators."""

    async def list(
        self,
        *,
        search: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Account[U]]:
        """Return a page of accounts; the order stays the same when users are added meanwhile.

        Args:
            search: Part of the username or the e-mail address.
            role: Only who holds this role.
            disabled: Only who is disabled, or only who is not.
            after: The id of the last account of the page before.
            limit: How many accounts at most, up to 1,000.

        Raises:
            ValidationException: The limit is out of bounds.
        """
        if not 1 <= limit <= _MAX_PAGE:
            raise ValidationException.of("limit", f"A page has between 1 and {_MAX_PAGE} accounts.")
        lowered = None if search is None else search.lower()  # as the names are kept
        return await self._store.list_users(search=lowered, role=role, disabled=disabled, after=after, limit=limit)

    async def update(self, user_id: str, fields: Mapping[str, Any], *, by: Account[Any] | None = None) -> Account[U]:
        """Change attributes of the app's own user model, and return the account as it is then.

        Args:
            user_id: The user.
            fields: The attributes by name; what is not named stays.
            by: Who acts: the user, or an administrator above them.

        Raises:
            UserNotFoundException: There is no such user.
            ValidationException: A field does not fit.
            UserExistsException: Somebody else has one of the values, and it may occur only once.
            PermissionDeniedException: ``by`` may not act on this user.
        """
        changed = await self._events.commit(
            self._store,
            lambda store: store.update_user(user_id, fields, unless_holding=self._beyond_reach(user_id, by)),
            UserUpdated,
            lambda _: self._events.make(UserUpdated, by=by, user_id=user_id, fields=tuple(sorted(fields))),
        )
        if changed is None:
            raise UserNotFoundException
        return changed

    async def set_email(self, user_id: str, email: str, *, by: Account[Any] | None = None) -> Account[U]:
        """Set the address, unverified, without a mail to the new one; the old one is told.

        Raises:
            UserNotFoundException: There is no such user.
            ValidationException: It is no address.
            UserExistsException: Somebody else has it.
            PermissionDeniedException: ``by`` may not act on this user.
        """
        canonical = self._checked_email(email)
        account = await self.get(user_id)
        if canonical == account.email:
            return account
        above = beyond_reach(by)
        changed = await self._events.commit(
            self._store,
            lambda store: store.set_email(user_id, canonical, verified=False, unless_holding=above),
            EmailChanged,
            lambda _: self._changed(account, canonical, by=by),
        )
        if not changed:
            raise UserNotFoundException
        self._notices.send(NotificationKind.EMAIL_CHANGED, account, new_email=canonical)
        return await self.get(user_id)

    async def disable(self, user_id: str, *, by: Account[Any] | None = None) -> None:
        """Disable the account and end its sessions, in one step.

        Raises:
            UserNotFoundException: There is no such user.
            ProtectedRoleException: It is the last enabled superadmin.
            PermissionDeniedException: ``by`` may not act on this user.
        """
        await self._set_disabled(user_id, disabled=True, by=by)

    async def enable(self, user_id: str, *, by: Account[Any] | None = None) -> None:
        """Let the account sign in again; sessions that were ended stay ended.

        Raises:
            UserNotFoundException: There is no such user.
            PermissionDeniedException: ``by`` may not act on this user.
        """
        await self._set_disabled(user_id, disabled=False, by=by)

    async def delete(self, user_id: str, *, by: Account[Any] | None = None) -> None:
        """Delete the account with its sessions and role holdings, and tell its address.

        Raises:
            UserNotFoundException: There is no such user.
            ProtectedRoleException: It is the last enabled superadmin.
            ConflictException: The app's own rows still refer to the user.
            PermissionDeniedException: ``by`` may not act on this user.
        """
        above = beyond_reach(by)
        if not await self._delete(await self.get(user_id), by=by, unless_holding=above):
            raise UserNotFoundException

    async def close(self, user_id: str, current_password: str) -> None:
        """Delete the account of someone who knows its password.

        Raises:
            UserNotFoundException: There is no such user.
            CredentialsException: The password is wrong.
            ProtectedRoleException: It is the last enabled superadmin.
            ConflictException: The app's own rows still refer to the user.
        """
        account = await self._prove(user_id, current_password)
        if not await self._delete(account, by=account, old_hash=account.hashed_password):
            raise CredentialsException("The current password is not correct.")

    async def _delete(
        self,
        account: Account[U],
        *,
        by: Account[Any] | None,
        old_hash: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> bool:
        deleted = await self._events.commit(
            self._store,
            lambda store: store.delete_user(account.id, old_hash=old_hash, unless_holding=unless_holding),
            UserDeleted,
            lambda _: self._events.make(UserDeleted, by=by, account=account),
        )
        if deleted:
            self._notices.send(NotificationKind.ACCOUNT_DELETED, account)
        return deleted

    async def _set_disabled(self, user_id: str, *, disabled: bool, by: Account[Any] | None) -> None:
        now, above = self._now(), beyond_reach(by)
        event_class = UserDisabled if disabled else UserEnabled
        changed = await self._events.commit(
            self._store,
            lambda store: store.set_disabled(user_id, disabled, now=now, unless_holding=above),
            event_class,
            lambda _: self._events.make(event_class, by=by, user_id=user_id),
        )
        if not changed:
            raise UserNotFoundException

    @staticmethod
    def _beyond_reach(user_id: str, by: Account[Any] | None) -> Collection[str]:
        return () if by is not None and by.id == user_id else beyond_reach(by)
