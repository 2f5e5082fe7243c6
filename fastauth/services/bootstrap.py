"""From an empty database to one that an app can start on; every step may be repeated, by eight processes at once."""

import logging
import os
from collections.abc import Mapping
from typing import Any, Generic

from fastauth.core.exceptions import ConfigurationError, UserExistsException, ValidationException
from fastauth.core.identity import canonical_email, canonical_username
from fastauth.core.models import STANDARD_ROLES, SUPERADMIN, USER, U
from fastauth.core.protocols import Store
from fastauth.services.accounts import Accounts

logger: logging.Logger = logging.getLogger("fastauth")


class Bootstrap(Generic[U]):
    """Makes the schema, the standard roles and the first superadmin.

    Args:
        store: The store to prepare.
        accounts: Makes the superadmin.
    """

    def __init__(self, store: Store[U], accounts: Accounts[U]) -> None:
        self._store = store
        self._accounts = accounts

    async def initialize(
        self,
        *,
        create_tables: bool = True,
        init_roles: bool = True,
        create_admin: bool = True,
        admin_username: str | None = None,
        admin_email: str | None = None,
        admin_password: str | None = None,
        admin_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Make what is missing, and leave what is there.

        Args:
            create_tables: Make the tables, or the collections and indexes.
            init_roles: Store the standard roles.
            create_admin: Make a superadmin, when a name and a password are given here or in the environment as
                ``FASTAUTH_ADMIN_USERNAME`` and ``FASTAUTH_ADMIN_PASSWORD``.
            admin_username: The superadmin's username.
            admin_email: Their e-mail address; by default ``<username>@fastauth.invalid``, which no mail ever reaches.
            admin_password: Their password.
            admin_fields: Their attributes of the app's own user model.

        Raises:
            UserExistsException: The name belongs to someone who is no superadmin; nobody is promoted by accident.
            ValidationException: The name or the address cannot be one, or the user model needs a value that was not
                given.
            WeakPasswordException: The password does not meet the policy.
        """
        if create_tables:
            await self._store.create_schema()
        if init_roles:
            await self._store.ensure_roles(STANDARD_ROLES)
        if not create_admin:
            return
        username = admin_username or os.environ.get("FASTAUTH_ADMIN_USERNAME")
        password = admin_password or os.environ.get("FASTAUTH_ADMIN_PASSWORD")
        if username and password:
            await self._create_admin(username, admin_email, password, admin_fields or {})
        else:
            logger.info("No superadmin was made: give admin_username and admin_password to make one.")

    async def check(self) -> None:
        """Make sure that the schema is there.

        Raises:
            ConfigurationError: Something is missing; the message says what makes it.
        """
        missing = await self._store.missing_schema()
        if missing:
            raise ConfigurationError(
                f"The database has no {', '.join(missing)}. Make what is missing, once and before the app starts, "
                "with: fastauth init, or await auth.initialize_db()"
            )

    async def _create_admin(self, username: str, email: str | None, password: str, fields: Mapping[str, Any]) -> None:
        if await self._is_superadmin(username):
            return
        email = email or default_admin_email(username)
        try:
            await self._accounts.create(username, email, password, roles=(SUPERADMIN, USER), fields=fields)
        except UserExistsException:
            # Another process was faster, or the name or the address belongs to somebody else.
            if not await self._is_superadmin(username):
                raise

    async def _is_superadmin(self, username: str) -> bool:
        account = await self._accounts.find(username)
        return account is not None and SUPERADMIN in account.roles


def default_admin_email(username: str) -> str:
    """Return the address of a superadmin for whom none was given; no mail ever reaches it (RFC 6761).

    Raises:
        ValidationException: It is no username, or one that cannot be the first half of an address.
    """
    name = canonical_username(username)
    try:
        return canonical_email(f"{name}@fastauth.invalid")
    except ValidationException as error:
        why = f"No e-mail address can be made from the username {name!r}: give one."
        raise ValidationException.of("admin_email", why) from error
