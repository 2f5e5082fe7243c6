"""The ready-made user, and a mixin for a user class of your own."""

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth.backends.sql.tables import text


class UserMixin:
    """The columns that every user class needs besides its key; a class may as well declare them itself."""

    username: Mapped[str] = mapped_column(text(64), unique=True)
    email: Mapped[str] = mapped_column(text(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(text(255))
    disabled: Mapped[bool] = mapped_column(default=False)


class Base(DeclarativeBase):
    """The declarative base of the ready-made user; its ``metadata`` holds our tables too."""


class User(UserMixin, Base):
    """The ready-made user, with an integer key that is never given out twice."""

    __tablename__ = "fastauth_users"
    __table_args__: tuple[Any, ...] = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)

    def __repr__(self) -> str:
        return f"User(id={self.id!r}, username={self.username!r})"
