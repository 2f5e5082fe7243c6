"""Pages of users."""

from collections.abc import Sequence

from sqlalchemy import bindparam, or_, select

from fastauth.backends.sql.base import SQLBase, is_name, reading
from fastauth.core.models import Account, U


class SQLUserListing(SQLBase[U]):
    """The verb of :class:`~fastauth.core.protocols.UserStore` that lists users, on SQL."""

    @reading
    async def list_users(
        self,
        *,
        search: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        after: str | None = None,
        limit: int,
    ) -> Sequence[Account[U]]:
        """Return a page of accounts in the order of their keys."""
        if not is_name(search or "") or not is_name(role or ""):
            return []
        mapping, tables = self._mapping, self._tables
        page = self._select_account.order_by(mapping.key).limit(limit)
        if search is not None:
            names = (mapping.column("username"), mapping.column("email"))
            page = page.where(or_(*(name.contains(search, autoescape=True) for name in names)))
        if role is not None:
            holders = (
                select(tables.user_roles.c.user_id)
                .join(tables.roles, tables.roles.c.id == tables.user_roles.c.role_id)
                .where(tables.roles.c.name == role)
            )
            page = page.where(mapping.key.in_(holders))
        if disabled is not None:
            flag = mapping.column("disabled")
            page = page.where(flag.is_(mapping.shape.flag(disabled=True)) if disabled else mapping.is_enabled())
        if after is not None:
            key = mapping.parse_key(after)
            if key is None:
                return []
            page = page.where(mapping.key > bindparam("after", key, type_=mapping.key.type))
        async with self.database.read() as connection:
            return [self._account(row) for row in await connection.execute(page)]
