"""Accounts: register, find, change the password, disable, delete."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Generic

from fastauth.core.clock import Clock
from fastauth.core.exceptions import (
    CredentialsException,
    RoleNotFoundException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.core.identity import canonical_email, canonical_login, canonical_username
from fastauth.core.models import STANDARD_ROLES, USER, Account, NewUser, U
from fastauth.core.passwords import Passwords
from fastauth.core.protocols import Store
from fastauth.services.limits import Limiter

_MAX_PAGE = 1000


class Accounts(Generic[U]):
    """Everything that happens to an account besides signing in.

    Args:
        store: Where users are kept.
        passwords: Judges and hashes.
        clock: The time.
        limiter: What a new password opens again; None when there are no limits.
    """

    def __init__(self, store: Store[U], passwords: Passwords, *, clock: Clock, limiter: Limiter | None = None) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._limiter = limiter

    def on(self, store: Store[U]) -> "Accounts[U]":
        """Return the same service on another store; on ``store.joined(session)``, it acts in your own transaction.

        Args:
            store: A store of the same user model.
        """
        return Accounts(store, self._passwords, clock=self._clock, limiter=self._limiter)

    async def register(self, username: str, email: str, password: str, **fields: Any) -> Account[U]:
        """Make an account that holds the role ``user``.

        Args:
            username: In any spelling; the canonical form is kept (RFC 8265, UsernameCaseMapped).
            email: In any spelling; the canonical form is kept.
            password: In the clear; only its hash is kept.
            fields: Attributes of the app's own user model.

        Raises:
            ValidationException: A value does not fit.
            WeakPasswordException: The password does not meet the policy.
            UserExistsException: The username or the e-mail address is taken.
        """
        return await self.create(username, email, password, fields=fields)

    async def create(
        self,
        username: str,
        email: str,
        password: str | None,
        *,
        hashed_password: str | None = None,
        roles: Collection[str] = (USER,),
        fields: Mapping[str, Any] | None = None,
    ) -> Account[U]:
        """Make an account that holds these roles, as :meth:`register` does.

        Args:
            username: In any spelling.
            email: In any spelling.
            password: In the clear; None when ``hashed_password`` is given.
            hashed_password: A hash made elsewhere, of a kind that is verified here; for moving users in.
            roles: Names of roles.
            fields: Attributes of the app's own user model.

        Raises:
            ValidationException: A value does not fit.
            WeakPasswordException: The password does not meet the policy.
            UserExistsException: The username or the e-mail address is taken.
            RoleNotFoundException: One of the roles does not exist.
        """
        username, email = canonical_username(username), canonical_email(email)
        self._check_length("username", username, self._store.schema.username_max_length)
        self._check_length("email", email, self._store.schema.email_max_length)
        if hashed_password is None:
            hashed_password = await self._hash(password, username, email)
        elif password is not None:
            raise ValidationException.of("password", "Give a password, or the hash of one, and not both.")
        elif not self._passwords.recognizes(hashed_password):
            raise ValidationException.of("hashed_password", "This is not a password hash that can be verified.")
        new = NewUser(username, email, hashed_password, fields or {})
        try:
            return await self._store.add_user(new, roles=roles)
        except RoleNotFoundException:
            # The schema was made by a migration, and nobody has filled it yet.
            await self._store.ensure_roles(STANDARD_ROLES)
            return await self._store.add_user(new, roles=roles)

    async def _hash(self, password: str | None, username: str, email: str) -> str:
        if password is None:
            raise ValidationException.of("password", "Give a password, or the hash of one.")
        await self._passwords.policy.judge(password, username=username, email=email)
        return await self._passwords.hash(password)

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

    async def get(self, user_id: str) -> Account[U]:
        """Return the account of this user.

        Raises:
            UserNotFoundException: There is no such user.
        """
        account = await self._store.get_user(user_id)
        if account is None:
            raise UserNotFoundException
        return account

    async def find(self, login: str) -> Account[U] | None:
        """Return the account with this username or e-mail address, in any spelling; None when there is none."""
        canonical = canonical_login(login)
        return await self._store.find_user(canonical) if canonical is not None else None

    async def disable(self, user_id: str) -> None:
        """Disable the account and end its sessions, in one step.

        Raises:
            UserNotFoundException: There is no such user.
            ProtectedRoleException: It is the last enabled superadmin.
        """
        await self._set_disabled(user_id, disabled=True)

    async def enable(self, user_id: str) -> None:
        """Let the account sign in again; sessions that were ended stay ended.

        Raises:
            UserNotFoundException: There is no such user.
        """
        await self._set_disabled(user_id, disabled=False)

    async def set_password(self, user_id: str, new_password: str) -> None:
        """Set the password and end every session, in one step.

        Raises:
            UserNotFoundException: There is no such user.
            WeakPasswordException: The password does not meet the policy.
        """
        await self._set_password(await self.get(user_id), new_password)

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
        account = await self.get(user_id)
        if not (await self._passwords.verify(current_password, account.hashed_password)).ok:
            raise CredentialsException("The current password is not correct.")
        await self._set_password(account, new_password, old_hash=account.hashed_password, keep_session=keep_session)

    async def unlock(self, user_id: str) -> None:
        """Open the account again after as many failed sign-ins in a row as it may ever have.

        Raises:
            UserNotFoundException: There is no such user.
        """
        await self._unlock(await self.get(user_id))

    async def delete(self, user_id: str) -> None:
        """Delete the account with its sessions and role holdings.

        Raises:
            UserNotFoundException: There is no such user.
            ProtectedRoleException: It is the last enabled superadmin.
            ConflictException: The app's own rows still refer to the user.
        """
        if not await self._store.delete_user(user_id):
            raise UserNotFoundException

    async def _set_disabled(self, user_id: str, *, disabled: bool) -> None:
        if not await self._store.set_disabled(user_id, disabled, now=self._clock()):
            raise UserNotFoundException

    async def _set_password(
        self, account: Account[U], new_password: str, *, old_hash: str | None = None, keep_session: str | None = None
    ) -> None:
        new_hash = await self._hash(new_password, account.username, account.email)
        changed = await self._store.set_password(
            account.id, new_hash, now=self._clock(), old_hash=old_hash, keep_session=keep_session
        )
        if changed:
            await self._unlock(account)
            return
        if old_hash is not None:  # another password was set meanwhile, and the old one proves nothing any more
            raise CredentialsException("The current password is not correct.")
        raise UserNotFoundException

    async def _unlock(self, account: Account[U]) -> None:
        if self._limiter is not None:
            await self._limiter.unlock(account.username, account.email)

    @staticmethod
    def _check_length(field: str, value: str, limit: int) -> None:
        if len(value) > limit:
            raise ValidationException.of(field, f"At most {limit} characters fit here.", "string_too_long")
