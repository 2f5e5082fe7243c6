"""The user verbs that store and find a user."""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from sqlalchemy import Connection, bindparam, delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Session as ORMSession

from fastauth.backends.common import check_known, missing_value, refusal
from fastauth.backends.sql.base import COUNTED, SQLBase, is_name, reading, verb
from fastauth.backends.sql.database import Database
from fastauth.backends.sql.errors import is_duplicate, is_misfit, is_null, is_refused
from fastauth.backends.sql.mapping import UserMapping
from fastauth.backends.sql.tables import Tables
from fastauth.core.exceptions import (
    RoleNotFoundException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import Account, Login, NewUser, U


class SQLUserStore(SQLBase[U]):
    """:class:`~fastauth.core.protocols.UserStore` on SQL."""

    def __init__(self, database: Database, mapping: UserMapping[U], tables: Tables) -> None:
        super().__init__(database, mapping, tables)
        columns = {"key": mapping.key, "username": mapping.column("username"), "email": mapping.column("email")}
        self._find = {by: self._select_account.where(column == bindparam("value")) for by, column in columns.items()}

    @verb
    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[U]:
        """Store a user who holds these roles."""
        check_known(new.fields, self._mapping.knows)
        try:
            async with self.database.write() as connection:
                return await self._insert_user(connection, new, roles)
        except Exception as error:  # noqa: BLE001  # it is raised again in any case
            names = {"username": new.username, "email": new.email}
            await self._explain(error, {**dict.fromkeys(self._mapping.schema.required), **new.fields, **names})

    async def _insert_user(self, connection: AsyncConnection, new: NewUser, roles: Collection[str]) -> Account[U]:
        def insert_object(sync_connection: Connection) -> Any:
            # Through a session of the ORM, so that the class's defaults, validators and events have their say; the
            # transaction stays ours.
            user = self._mapping.new(new.username, new.email, new.hashed_password, new.fields)
            with ORMSession(sync_connection, join_transaction_mode="rollback_only") as session:
                session.add(user)
                session.flush()
                return self._mapping.key_of(user)

        key = await connection.run_sync(insert_object)
        links, sessions, names = self._tables.user_roles, self._tables.sessions, self._tables.roles.c
        if connection.dialect.name == "sqlite":
            # Where it does not enforce foreign keys and the app deleted a user by itself, the key may come again.
            for leftovers in (links, sessions):
                await connection.execute(delete(leftovers).where(leftovers.c.user_id == key))
        link = insert(links).from_select(
            ["user_id", "role_id"],
            select(literal(key, self._mapping.key.type), names.id).where(names.name.in_(sorted(set(roles)))),
        )
        if (await connection.execute(link, execution_options=COUNTED)).rowcount != len(set(roles)):
            known = (await connection.scalars(select(names.name).where(names.name.in_(sorted(set(roles)))))).all()
            raise RoleNotFoundException(roles=set(roles).difference(known))
        return self._account((await connection.execute(self._find["key"], {"value": key})).one())

    async def _explain(self, error: Exception, values: Mapping[str, Any], *, but: Any = None) -> NoReturn:
        """Raise what the error stands for, of an attempt to store these values.

        Args:
            error: What was raised.
            values: By attribute; None is one that is missing.
            but: The key of the user whose values they were to be.

        Raises:
            UserExistsException: Somebody else has one of the values.
            ValidationException: A value does not fit.
        """
        # A TypeError is a constructor's, such as that of a dataclass.
        if is_null(error) or isinstance(error, TypeError):
            self._check_given(values)
        if is_misfit(error):
            # Not "from error": its text quotes the value.
            raise ValidationException("A value does not fit the user model.") from None
        if not is_refused(error):
            raise error
        taken = await self._taken_field(values, but)
        if taken is not None or is_duplicate(error):
            raise UserExistsException(field=taken) from error
        raise ValidationException("A value is refused by the database.") from error

    def _check_given(self, values: Mapping[str, Any]) -> None:
        # Told by what was not given, not before the attempt: the class or the database may make a value by itself.
        required = self._mapping.schema.required
        missing = [missing_value(name) for name in required if name in values and values[name] is None]
        if missing:
            raise refusal(missing) from None

    async def _taken_field(self, values: Mapping[str, Any], but: Any) -> str | None:
        async with self.database.read() as connection:
            for group in self._mapping.unique_groups():
                if group <= values.keys():
                    same = [self._mapping.column(name) == values[name] for name in group]
                    keys = (await connection.scalars(select(self._mapping.key).where(*same).limit(2))).all()
                    if any(key != but for key in keys):
                        return min(group)
        return None

    @reading
    async def get_user(self, user_id: str) -> Account[U] | None:
        """Return the account of this user with its roles, or None."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return None
        return await self._one_account("key", key)

    @reading
    async def find_user(self, login: Login) -> Account[U] | None:
        """Return the account with this username or with this e-mail address, or None."""
        account = await self._one_account(login.kind, login.value) if is_name(login.value) else None
        # A collation of the app's own may take one name for another.
        return account if account is not None and getattr(account, login.kind) == login.value else None

    async def _one_account(self, by: str, value: Any) -> Account[U] | None:
        row = await self.database.row(self._find[by], {"value": value})
        return None if row is None else self._account(row)

    def public_values(self, user: U) -> Mapping[str, Any]:
        """Return the key (as ``id``) and the public fields of a user object; no I/O."""
        return self._mapping.public_values(user)
