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

_PREFIX = "fastauth_"
_NAMES = ("roles", "user_roles", "sessions", "used_tokens", "audit_records")
_MYSQL = ("mysql", "mariadb")


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


def tables_for(users: Table, key: Column[Any]) -> Tables:
    """Return our tables for this user table, made at the first call and found again at the next.

    Raises:
        ConfigurationError: They were made for another user table in the same metadata.
    """
    existing = users.metadata.tables
    in_schema = f"{users.schema}." if users.schema else ""
    if f"{in_schema}{_PREFIX}roles" not in existing:
        _define(users, key)
    tables = Tables(users, *(existing[f"{in_schema}{_PREFIX}{name}"] for name in _NAMES))
    if not tables.sessions.c.user_id.references(key):
        raise ConfigurationError(
            f"The metadata of {users.fullname} has FastAuth's tables for another user table already. "
            "Give the second user model a base, and so a metadata, of its own."
        )
    return tables


def _define(users: Table, key: Column[Any]) -> None:
    # A foreign key of MySQL needs the engine, the character set and the collation of what it refers to.
    options = {name: value for name, value in users.kwargs.items() if name.startswith(_MYSQL)}
    roles = Table(
        f"{_PREFIX}roles",
        users.metadata,
        Column("id", text(32)),
        Column("name", text(64), nullable=False),
        Column("description", text(255), nullable=False),
        PrimaryKeyConstraint("id", name=f"pk_{_PREFIX}roles"),
        UniqueConstraint("name", name=f"uq_{_PREFIX}roles_name"),
        schema=users.schema,
        **options,
    )
    Table(
        f"{_PREFIX}user_roles",
        users.metadata,
        Column("user_id", key.type, nullable=False),
        Column("role_id", text(32), nullable=False),
        PrimaryKeyConstraint("user_id", "role_id", name=f"pk_{_PREFIX}user_roles"),
        ForeignKeyConstraint(["user_id"], [key], name=f"fk_{_PREFIX}user_roles_user_id", ondelete="CASCADE"),
        ForeignKeyConstraint(["role_id"], [roles.c.id], name=f"fk_{_PREFIX}user_roles_role_id", ondelete="CASCADE"),
        # An index by a constraint's name: MariaDB lets none go that a foreign key needs, and the downgrade of a
        # migration would try to drop an Index before the table, which takes a constraint along.
        UniqueConstraint("role_id", "user_id", name=f"uq_{_PREFIX}user_roles_role_id"),
        schema=users.schema,
        **options,
    )
    Table(
        f"{_PREFIX}sessions",
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
        PrimaryKeyConstraint("id", name=f"pk_{_PREFIX}sessions"),
        ForeignKeyConstraint(["user_id"], [key], name=f"fk_{_PREFIX}sessions_user_id", ondelete="CASCADE"),
        UniqueConstraint("user_id", "id", name=f"uq_{_PREFIX}sessions_user_id"),
        Index(f"ix_{_PREFIX}sessions_expires_at", "expires_at"),
        schema=users.schema,
        **options,
    )
    Table(
        f"{_PREFIX}used_tokens",
        users.metadata,
        Column("id", text(32)),
        Column("expires_at", _moment(), nullable=False),
        PrimaryKeyConstraint("id", name=f"pk_{_PREFIX}used_tokens"),
        Index(f"ix_{_PREFIX}used_tokens_expires_at", "expires_at"),
        schema=users.schema,
        **options,
    )
    # Without foreign keys: what is on record stays there when the user or the session is gone.
    Table(
        f"{_PREFIX}audit_records",
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
        PrimaryKeyConstraint("id", name=f"pk_{_PREFIX}audit_records"),
        Index(f"ix_{_PREFIX}audit_records_at", "at"),
        Index(f"ix_{_PREFIX}audit_records_user_id", "user_id", "id"),
        schema=users.schema,
        **options,
    )
