"""What is done to accounts: list, change, disable, delete."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, MutableSequence, Sequence
from typing import Any

from fastauth.core.events import EmailChanged, Event, UserDeleted, UserDisabled, UserEnabled, UserUpdated
from fastauth.core.exceptions import CredentialsException, UserNotFoundException, ValidationException
from fastauth.core.identity import canonical_role_name
from fastauth.core.models import Account, U
from fastauth.core.notifications import NotificationKind
from fastauth.core.protocols import Commit, CommitStep, Store
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
            role: Only who holds this role, in any case.
            disabled: Only who is disabled, or only who is not.
            after: The id of the last account of the page before.
            limit: How many accounts at most, up to 1,000.

        Raises:
            ValidationException: The limit is out of bounds.
        """
        if not 1 <= limit <= _MAX_PAGE:
            raise ValidationException.of("limit", f"A page has between 1 and {_MAX_PAGE} accounts.")
        # As the names are kept, of users and of roles.
        lowered = None if search is None else search.lower()
        try:
            holding = None if role is None else canonical_role_name(role)
        except ValidationException:
            return []  # which no role can be called, and so nobody holds
        return await self._store.list_users(search=lowered, role=holding, disabled=disabled, after=after, limit=limit)

    async def update(self, user_id: str, changes: Mapping[str, Any], *, by: Account[Any] | None = None) -> Account[U]:
        """Change an account, all that is named or nothing, and return it as it is then.

        On MongoDB as a single server, which has no transactions, ``email``, ``disabled`` and the attributes are each a
        step of their own.

        Args:
            user_id: The user.
            changes: By name: attributes of the app's own user model; and of those whom they administer also ``email``,
                which is then unverified, and ``disabled``, which ends every session.
            by: Who acts: the user, or an administrator above them.

        Raises:
            UserNotFoundException: There is no such user.
            ValidationException: A value does not fit.
            UserExistsException: Somebody else has the address, or another value that may occur only once.
            ProtectedRoleException: The last enabled superadmin would be disabled.
            PermissionDeniedException: ``by`` may not act on this user, or not in this way.
        """
        is_own = by is not None and by.id == user_id and not changes.keys() & {"email", "disabled"}
        above = () if is_own else beyond_reach(by)
        account = await self.get(user_id)
        made: MutableSequence[Event] = []
        steps = list(self._steps(account, changes, by, above, made))
        if not steps:
            return account
        *others, last = steps
        if others and not await self._store.has_transactions():
            # Then each is a step of its own, and of those that come through everybody hears.
            for step in steps:
                await step(self._store, None)
                self._announce(account, made)
            return await self.get(user_id)

        async def before_the_last(commit: Commit[U]) -> None:
            made.clear()
            for step in others:
                await step(commit.store, None)

        await last(self._store, before_the_last if others else None)
        self._announce(account, made)
        return await self.get(user_id)

    def _announce(self, account: Account[U], made: MutableSequence[Event]) -> None:
        for event in made:
            self._events.happened(event)
            if isinstance(event, EmailChanged):
                self._notices.send(NotificationKind.EMAIL_CHANGED, account, new_email=event.new_email)
        made.clear()

    def _steps(
        self,
        account: Account[U],
        changes: Mapping[str, Any],
        by: Account[Any] | None,
        above: Collection[str],
        made: MutableSequence[Event],
    ) -> Iterator[Callable[[Store[U], CommitStep[U] | None], Awaitable[None]]]:
        """Give one step per verb that is needed; each takes the store to act on and what else belongs to it."""
        fields = {name: value for name, value in changes.items() if name not in {"email", "disabled"}}
        if fields:
            yield self._step(
                lambda store: store.update_user(account.id, fields, unless_holding=above),
                UserUpdated,
                lambda: self._events.make(UserUpdated, by=by, user_id=account.id, fields=tuple(sorted(fields))),
                made,
            )
        email = self._checked_email(changes["email"]) if "email" in changes else account.email
        if email != account.email:
            yield self._step(
                lambda store: store.set_email(account.id, email, verified=False, unless_holding=above),
                EmailChanged,
                lambda: self._changed(account, email, verified=False, by=by),
                made,
            )
        if "disabled" in changes:
            yield self._disabling(account, changes["disabled"], by, above, made)

    def _disabling(
        self,
        account: Account[U],
        disabled: bool,
        by: Account[Any] | None,
        above: Collection[str],
        made: MutableSequence[Event],
    ) -> Callable[[Store[U], CommitStep[U] | None], Awaitable[None]]:
        now, event_class = self._now(), UserDisabled if disabled else UserEnabled
        return self._step(
            # Also when it is so already: where the app itself did it, the sessions are still there.
            lambda store: store.set_disabled(account.id, disabled, now=now, unless_holding=above),
            event_class,
            lambda: None if account.disabled is disabled else self._events.make(event_class, by=by, user_id=account.id),
            made,
        )

    def _step(
        self,
        verb: Callable[[Store[U]], Awaitable[Any]],
        event_class: type[Event],
        make: Callable[[], Event | None],
        made: MutableSequence[Event],
    ) -> Callable[[Store[U], CommitStep[U] | None], Awaitable[None]]:
        async def step(store: Store[U], first: CommitStep[U] | None) -> None:
            changed = await self._events.commit(store, verb, event_class, lambda _: make(), first=first, part_of=made)
            if not changed:
                raise UserNotFoundException

        return step

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
        above, made = beyond_reach(by), list[Event]()
        await self._disabling(await self.get(user_id), disabled, by, above, made)(self._store, None)
        for event in made:
            self._events.happened(event)
