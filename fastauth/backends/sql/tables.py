"""Our three tables, beside the app's user table and in its metadata; stock types and named constraints only."""

from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

_PREFIX = "fastauth_"


class Tables(NamedTuple):
    """What a store works on."""

    users: Table
    roles: Table
    user_roles: Table
    sessions: Table

    def to_create(self) -> list[Table]:
        """Return the four tables, and those that the user table refers to."""
        wanted = dict.fromkeys([self.users])
        for table in self.users.metadata.sorted_tables[::-1]:  # referring tables before the referred
            if table in wanted:
                wanted.update(dict.fromkeys(key.column.table for key in table.foreign_keys))
        return [*wanted, self.roles, self.user_roles, self.sessions]


def tables_for(users: Table, key: Column[Any]) -> Tables:
    """Return our tables for this user table, made at the first call and found again at the next."""
    existing = users.metadata.tables
    in_schema = f"{users.schema}." if users.schema else ""
    if f"{in_schema}{_PREFIX}roles" not in existing:
        _define(users, key)
    return Tables(users, *(existing[f"{in_schema}{_PREFIX}{name}"] for name in ("roles", "user_roles", "sessions")))


def _define(users: Table, key: Column[Any]) -> None:
    roles = Table(
        f"{_PREFIX}roles",
        users.metadata,
        Column("id", String(32)),
        Column("name", String(64), nullable=False),
        Column("description", String(255), nullable=False),
        PrimaryKeyConstraint("id", name=f"pk_{_PREFIX}roles"),
        UniqueConstraint("name", name=f"uq_{_PREFIX}roles_name"),
        schema=users.schema,
    )
    Table(
        f"{_PREFIX}user_roles",
        users.metadata,
        Column("user_id", key.type, nullable=False),
        Column("role_id", String(32), nullable=False),
        PrimaryKeyConstraint("user_id", "role_id", name=f"pk_{_PREFIX}user_roles"),
        ForeignKeyConstraint(["user_id"], [key], name=f"fk_{_PREFIX}user_roles_user_id", ondelete="CASCADE"),
        ForeignKeyConstraint(["role_id"], [roles.c.id], name=f"fk_{_PREFIX}user_roles_role_id", ondelete="CASCADE"),
        Index(f"ix_{_PREFIX}user_roles_role_id", "role_id"),
        schema=users.schema,
    )
    Table(
        f"{_PREFIX}sessions",
        users.metadata,
        Column("id", String(32)),
        Column("user_id", key.type, nullable=False),
        Column("generation", Integer, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("rotated_at", DateTime(timezone=True), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        Column("revoked_at", DateTime(timezone=True)),
        Column("user_agent", String(255)),
        Column("ip", String(45)),
        PrimaryKeyConstraint("id", name=f"pk_{_PREFIX}sessions"),
        ForeignKeyConstraint(["user_id"], [key], name=f"fk_{_PREFIX}sessions_user_id", ondelete="CASCADE"),
        Index(f"ix_{_PREFIX}sessions_user_id", "user_id"),
        Index(f"ix_{_PREFIX}sessions_expires_at", "expires_at"),
        schema=users.schema,
    )
