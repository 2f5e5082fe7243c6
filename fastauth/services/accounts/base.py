"""What the parts of the service stand on."""

import copy
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Generic

from typing_extensions import Self

from fastauth.core.clock import Clock
from fastauth.core.events import PasswordRefused
from fastauth.core.exceptions import CredentialsException, ErrorDetail, UserNotFoundException, ValidationException
from fastauth.core.identity import canonical_email, canonical_login, canonical_username
from fastauth.core.models import Account, Login, U
from fastauth.core.names import RESERVED_USERNAMES, NamePolicy
from fastauth.core.passwords import Passwords
from fastauth.core.protocols import Store
from fastauth.services.background import Background
from fastauth.services.events import Events
from fastauth.services.limits import Limiter
from fastauth.services.notices import Notices
from fastauth.services.single_use import SingleUseTokens


class AccountsBase(Generic[U]):
    """The common ground of everything that happens to an account.

    Args:
        store: Where users are kept.
        passwords: Judges, hashes and compares.
        events: Tells the app and the audit trail.
        tokens: Makes and takes what is mailed.
        notices: Mails it.
        background: Runs what nobody waits for.
        clock: The time.
        limiter: What a new password opens again; None when there are no limits.
        enumeration_safe: Whether nobody may learn which addresses have an account.
        names: Judges the usernames that people choose for themselves.
    """

    def __init__(
        self,
        store: Store[U],
        passwords: Passwords,
        *,
        events: Events[U],
        tokens: SingleUseTokens,
        notices: Notices,
        background: Background,
        clock: Clock,
        limiter: Limiter | None = None,
        enumeration_safe: bool = False,
        names: NamePolicy | None = None,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._events = events
        self._tokens = tokens
        self._notices = notices
        self._background = background
        self._clock = clock
        self._limiter = limiter
        self._enumeration_safe = enumeration_safe
        self._names = names or NamePolicy(RESERVED_USERNAMES)

    def on(self, store: Store[U]) -> Self:
        """Return the same service on another store; on ``store.joined(session)``, it acts in your own transaction.

        Hooks that run *after* an event run when the service is done, whether you commit or not.

        Args:
            store: A store of the same user model.
        """
        other = copy.copy(self)
        other._store = store  # noqa: SLF001  # of the same class
        return other

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

    async def unlock(self, user_id: str) -> None:
        """Open the account again after as many failed sign-ins in a row as it may ever have.

        Raises:
            UserNotFoundException: There is no such user.
        """
        await self._unlock(await self.get(user_id))

    async def _unlock(self, account: Account[U]) -> None:
        if self._limiter is not None:
            await self._limiter.unlock(account.username, account.email)

    async def _find_by_email(self, email: str) -> Account[U] | None:
        try:
            canonical = canonical_email(email)
        except ValidationException:
            return None
        return await self._store.find_user(Login("email", canonical))

    def check_load(self) -> None:
        """Let pass who would not wait for too long for a password to be hashed; asked before anything is done.

        Raises:
            OverloadedException: Too many passwords are waiting, whoever asks.
        """
        self._passwords.check_load()

    def place(self) -> AbstractContextManager[None]:
        """Let pass as :meth:`check_load` does, and expect a password from whoever is let in, until the context ends.

        Raises:
            OverloadedException: Too many passwords are waiting or expected, whoever asks.
        """
        return self._passwords.place()

    async def _prove(self, user_id: str, current_password: str) -> Account[U]:
        """Return the account of who knows its password."""
        account = await self.get(user_id)
        try:
            await self._compare(account, current_password)
        except CredentialsException:
            # While it is handled: where this cannot be put on record, it is still known that the password was wrong.
            await self._events.record(self._events.make(PasswordRefused, by=account, account=account), self._store)
            raise
        return account

    async def _compare(self, account: Account[U], current_password: str) -> None:
        if not (await self._passwords.verify(current_password, account.hashed_password)).ok:
            raise CredentialsException("The current password is not correct.")

    async def _hash(self, password: str, username: str, email: str) -> str:
        """Return the hash of a password that somebody chooses, if the policy has nothing against it."""
        await self._passwords.policy.judge(password, username=username, email=email)
        return await self._passwords.hash(password)

    @staticmethod
    @contextmanager
    def _sent_as(field: str) -> Generator[None, None, None]:
        """Have a value that does not fit called what it is called where it was sent."""
        try:
            yield
        except ValidationException as error:
            error.details = tuple(
                ErrorDetail(loc=["body", field], msg=detail["msg"], type=detail["type"]) for detail in error.details
            )
            raise

    def names_of(self, username: str, email: str) -> tuple[str, str]:
        """Return the username and the address of a newcomer in the form in which they would be kept.

        Raises:
            ValidationException: One of them cannot be kept.
        """
        canonical = self._checked_email(email)
        return self._checked_username(username, canonical), canonical

    def _checked_username(self, username: str, email: str) -> str:
        """Return the name in the form that is kept; the address, where users have no name besides it."""
        if not self._store.schema.is_named:
            if username and canonical_email(username) != email:
                raise ValidationException.of("username", "Users have no name here besides their address.")
            return email
        canonical = canonical_username(username)
        self._check_length("username", canonical, self._store.schema.username_max_length)
        return canonical

    def _checked_email(self, email: str) -> str:
        canonical = canonical_email(email)
        self._check_length("email", canonical, self._store.schema.email_max_length)
        return canonical

    def _now(self) -> datetime:
        # What is written has whole seconds: databases differ in how finely they keep time.
        return self._clock().replace(microsecond=0)

    @staticmethod
    def _check_length(field: str, value: str, limit: int) -> None:
        if len(value) > limit:
            raise ValidationException.of(field, f"At most {limit} characters fit here.", "string_too_long")
