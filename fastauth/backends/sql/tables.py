"""Our tables, beside the app's user table and in its metadata; stock types and named constraints only."""

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
from sqlalchemy.dialects import mysql

from fastauth.core.exceptions import ConfigurationError

_MYSQL = ("mysql", "mariadb")
_OURS = "fastauth"  # what marks a table as ours


def text(length: int) -> String:
    """Return the type of a string that is compared letter by letter, which MySQL has to be told.

    Args:
        length: In characters.
    """
    letter_by_letter = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return String(length).with_variant(letter_by_letter, *_MYSQL)


def _moment() -> DateTime:
    # MySQL rounds to seconds where it is not told how finely to keep time.
    return DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), *_MYSQL)


class Tables(NamedTuple):
    """What a store works on."""

    users: Table
    roles: Table
    user_roles: Table
    sessions: Table
    used_tokens: Table
    audit_records: Table

    def to_create(self) -> list[Table]:
        """Return the user table and ours, and those that the user table refers to, and so on."""
        wanted = [self.users]
        for table in wanted:
            wanted += {key.column.table for key in table.foreign_keys}.difference(wanted)
        return [*wanted, *self[1:]]


def tables_for(users: Table, key: Column[Any], prefix: str) -> Tables:
    """Return our tables for this user table, made at the first call and found again at the next.

    Args:
        users: The app's user table; ours join its metadata and its schema.
        key: Its key.
        prefix: What the names of ours begin with.

    Raises:
        ConfigurationError: The metadata has tables of these names, which are the app's own or another user table's.
    """
    existing = users.metadata.tables
    in_schema = f"{users.schema}." if users.schema else ""
    names = [f"{in_schema}{prefix}{name}" for name in Tables._fields[1:]]
    there = [name for name in names if name in existing]
    if not there:
        _define(users, key, prefix)
    strangers = [name for name in there if not existing[name].info.get(_OURS)]
    if strangers:
        raise ConfigurationError(
            f"The metadata of {users.fullname} has a table {strangers[0]} that is not FastAuth's: "
            "give the store another table_prefix."
        )
    tables = Tables(users, *(existing[name] for name in names))
    if not tables.sessions.c.user_id.references(key):
        raise ConfigurationError(
            f"The metadata of {users.fullname} has FastAuth's tables for another user table already. "
            "Give the second user model a base, and so a metadata, of its own, or its store another table_prefix."
        )
    return tables


def _define(users: Table, key: Column[Any], prefix: str) -> None:
    # A foreign key of MySQL needs the engine, the character set and the collation of what it refers to.
    options: dict[str, Any] = {name: value for name, value in users.kwargs.items() if name.startswith(_MYSQL)}
    options |= {"schema": users.schema, "info": {_OURS: True}}
    roles = Table(
        f"{prefix}roles",
        users.metadata,
        Column("id", text(32)),
        Column("name", text(64), nullable=False),
        Column("description", text(255), nullable=False),
        PrimaryKeyConstraint("id", name=f"pk_{prefix}roles"),
        UniqueConstraint("name", name=f"uq_{prefix}roles_name"),
        **options,
    )
    Table(
        f"{prefix}user_roles",
        users.metadata,
        Column("user_id", key.type, nullable=False),
        Column("role_id", text(32), nullable=False),
        PrimaryKeyConstraint("user_id", "role_id", name=f"pk_{prefix}user_roles"),
        ForeignKeyConstraint(["user_id"], [key], name=f"fk_{prefix}user_roles_user_id", ondelete="CASCADE"),
        ForeignKeyConstraint(["role_id"], [roles.c.id], name=f"fk_{prefix}user_roles_role_id", ondelete="CASCADE"),
        # An index by a constraint's name: MariaDB lets none go that a foreign key needs, and the downgrade of a
        # migration would try to drop an Index before the table, which takes a constraint along.
        UniqueConstraint("role_id", "user_id", name=f"uq_{prefix}user_roles_role_id"),
        **options,
    )
    Table(
        f"{prefix}sessions",
        users.metadata,
        Column("id", text(32)),
        Column("user_id", key.type, nullable=False),
        Column("generation", Integer, nullable=False),
        Column("created_at", _moment(), nullable=False),
        Column("rotated_at", _moment(), nullable=False),
        Column("expires_at", _moment(), nullable=False),
        Column("revoked_at", _moment()),
        Column("user_agent", text(255)),
        Column("ip", text(45)),
        PrimaryKeyConstraint("id", name=f"pk_{prefix}sessions"),
        ForeignKeyConstraint(["user_id"], [key], name=f"fk_{prefix}sessions_user_id", ondelete="CASCADE"),
        UniqueConstraint("user_id", "id", name=f"uq_{prefix}sessions_user_id"),
        Index(f"ix_{prefix}sessions_expires_at", "expires_at"),
        **options,
    )
    Table(
        f"{prefix}used_tokens",
        users.metadata,
        Column("id", text(32)),
        Column("expires_at", _moment(), nullable=False),
        PrimaryKeyConstraint("id", name=f"pk_{prefix}used_tokens"),
        Index(f"ix_{prefix}used_tokens_expires_at", "expires_at"),
        **options,
    )
    # Without foreign keys: what is on record stays there when the user or the session is gone.
    Table(
        f"{prefix}audit_records",
        users.metadata,
        Column("id", text(32)),
        Column("at", _moment(), nullable=False),
        Column("event", text(64), nullable=False),
        Column("outcome", text(16), nullable=False),
        Column("actor_id", text(255)),
        Column("user_id", text(255)),
        Column("session_id", text(32)),
        Column("ip", text(45)),
        Column("user_agent", text(255)),
        Column("details", text(2000), nullable=False),
        PrimaryKeyConstraint("id", name=f"pk_{prefix}audit_records"),
        Index(f"ix_{prefix}audit_records_at", "at"),
        Index(f"ix_{prefix}audit_records_user_id", "user_id", "id"),
        **options,
    )
