"""The table of fastapi-users, read in place: its columns, for a class that needs that library no more."""

import uuid
from typing import Any

from sqlalchemy import CHAR, Dialect, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class DashedUuid(TypeDecorator[uuid.UUID]):
    """A UUID as fastapi-users stored it: PostgreSQL's own type, and elsewhere 36 characters, with dashes."""

    impl: Any = CHAR(36)
    cache_ok: bool | None = True

    @property
    def python_type(self) -> type[uuid.UUID]:
        """What a value is."""
        return uuid.UUID

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[uuid.UUID] | TypeEngine[str]:
        """Return the type of the column."""
        return Uuid() if dialect.name == "postgresql" else CHAR(36)

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> uuid.UUID | str | None:
        """Return what is stored."""
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(
        self,
        value: uuid.UUID | str | None,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy names it
    ) -> uuid.UUID | None:
        """Return what was stored."""
        return uuid.UUID(value) if isinstance(value, str) else value


class FastAPIUsersMixin:
    """The columns of ``SQLAlchemyBaseUserTableUUID``, under their names; the class says the table's, ``"user"``."""

    id: Mapped[uuid.UUID] = mapped_column(DashedUuid, primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(String(320), unique=True, index=True)
    hashed_password: Mapped[str] = mapped_column(String(1024))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    is_verified: Mapped[bool] = mapped_column(default=False)
