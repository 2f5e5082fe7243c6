"""From a stranger to an account."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any

from fastauth.core.events import UserRegistered
from fastauth.core.exceptions import (
    AuthorizationException,
    OverloadedException,
    UnavailableException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import USER, Account, NewUser, U
from fastauth.core.notifications import NotificationKind
from fastauth.services.accounts.emails import Emails
from fastauth.services.names import Names
from fastauth.services.ranks import check_may_grant

logger: logging.Logger = logging.getLogger("fastauth")

_VERIFY = NotificationKind.VERIFY_EMAIL
# Of a conflict in anything else only so much is said: whoever has that value may have another address.
_TAKEN = {"username": NotificationKind.USERNAME_TAKEN, "email": NotificationKind.ALREADY_REGISTERED}


class Registration(Emails[U]):
    """Makes accounts."""

    async def register(self, username: str, email: str, password: str, **fields: Any) -> Account[U]:
        """Make an account that holds the role ``user``, and mail its address a link to verify it.

        Where the link cannot be signed at the moment, the account is made, and its owner can ask for the mail again.

        Args:
            username: In any spelling; the canonical form is kept (RFC 8265, UsernameCaseMapped). Empty where users have
                no name besides their address.
            email: In any spelling; the canonical form is kept.
            password: In the clear; only its hash is kept.
            fields: Attributes of the app's own user model.

        Raises:
            ValidationException: A value does not fit, or the username is or looks like one of the staff's.
            WeakPasswordException: The password does not meet the policy.
            UserExistsException: The username, the e-mail address or another value that may occur only once is taken.
        """
        await self._check_not_staffs(self.names_of(username, email)[0])
        account = await self.create(username, email, password, fields=fields)
        try:
            await self.request_verification(account)
        except UnavailableException as error:
            # The account is there: an answer that says otherwise would send its owner into "this name is taken".
            logger.error("A notification was left out, it cannot be signed: %s, %s", _VERIFY.value, error.code)  # noqa: TRY400
        return account

    async def register_quietly(self, username: str, email: str, password: str, **fields: Any) -> None:
        """Register as :meth:`register` does, and tell only the owner of the address whether that was possible.

        What is wrong with the values themselves is said at once. The rest is done when the answer is out, so that
        neither the answer nor its time says whether somebody has an account.

        Raises:
            ValidationException: A value does not fit, or the username is or looks like one of the staff's.
            WeakPasswordException: The password does not meet the policy.
            OverloadedException: Too many passwords are waiting, whoever asks.
        """
        new = self.names_of(username, email)
        await self._check_not_staffs(new[0])
        await self._passwords.policy.judge(password, username=new[0], email=new[1])
        self.check_load()
        self._background.start("registration", self._register_quietly(*new, password, fields), secret=True)

    async def _register_quietly(self, username: str, email: str, password: str, fields: Mapping[str, Any]) -> None:
        try:
            await self._register_patiently(username, email, password, fields)
        except UserExistsException as error:
            kind = _TAKEN.get(error.field or "", NotificationKind.REGISTRATION_REFUSED)
            self._notices.send_to(kind, email, username)
        except ValidationException as error:  # a rule that only the database knows
            logger.info("A registration was refused: %s", error.code)
            self._notices.send_to(NotificationKind.REGISTRATION_REFUSED, email, username)
        except AuthorizationException as error:  # a hook of the app's, whose no nobody waits for
            logger.info("A registration was refused: %s", error.code)

    async def _register_patiently(self, username: str, email: str, password: str, fields: Mapping[str, Any]) -> None:
        while True:
            try:
                await self.register(username, email, password, **fields)
            except OverloadedException as error:  # noqa: PERF203  # the answer is out, and nobody waits
                await asyncio.sleep(error.retry_after)
            else:
                return

    async def _check_not_staffs(self, username: str) -> None:
        if self._store.schema.is_named:
            await Names(self._store, self._names).check(username)

    async def create(
        self,
        username: str,
        email: str,
        password: str | None,
        *,
        hashed_password: str | None = None,
        roles: Collection[str] = (USER,),
        fields: Mapping[str, Any] | None = None,
        by: Account[Any] | None = None,
    ) -> Account[U]:
        """Make an account that holds these roles; nothing is mailed.

        Args:
            username: In any spelling.
            email: In any spelling.
            password: In the clear; None when ``hashed_password`` is given.
            hashed_password: A hash made elsewhere, of a kind that is verified here; for moving users in.
            roles: Names of roles.
            fields: Attributes of the app's own user model.
            by: Who acts.

        Raises:
            ValidationException: A value does not fit.
            WeakPasswordException: The password does not meet the policy.
            UserExistsException: The username, the e-mail address or another value that may occur only once is taken.
            RoleNotFoundException: One of the roles does not exist.
            PermissionDeniedException: ``by`` is no administrator, or one of the roles is above them.
        """
        check_may_grant(by, roles)
        username, email = self.names_of(username, email)
        if (password is None) == (hashed_password is None):
            raise ValidationException.of("password", "Give a password, or the hash of one, and not both.")
        if hashed_password is None:
            hashed_password = await self._hash(password or "", username, email)
        elif not self._passwords.recognizes(hashed_password):
            raise ValidationException.of("hashed_password", "This is not a password hash that can be verified.")
        new = NewUser(username, email, hashed_password, fields or {})

        async def add() -> Account[U]:
            return await self._events.commit(
                self._store,
                lambda store: store.add_user(new, roles=roles),
                UserRegistered,
                lambda account: self._events.make(UserRegistered, by=by, account=account),
            )

        return await self._with_standard_roles(add)
