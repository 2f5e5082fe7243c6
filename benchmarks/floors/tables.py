"""The tables that the library makes, mapped by hand as an app without it would."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Their base."""


class User(Base):
    """A user."""

    __tablename__ = "fastauth_users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool] = mapped_column(default=False)


class Role(Base):
    """A role."""

    __tablename__ = "fastauth_roles"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))


class UserRole(Base):
    """Who holds which role."""

    __tablename__ = "fastauth_user_roles"

    user_id: Mapped[int] = mapped_column(ForeignKey("fastauth_users.id"), primary_key=True)
    role_id: Mapped[str] = mapped_column(ForeignKey("fastauth_roles.id"), primary_key=True)


class Session(Base):
    """A sign-in."""

    __tablename__ = "fastauth_sessions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("fastauth_users.id"))
    generation: Mapped[int]
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


_roles = (
    select(func.aggregate_strings(Role.name, ","))
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
USER_WITH_ROLES_OF_A_SESSION = select(_roles, *User.__table__.c, *Session.__table__.c).join(
    Session, Session.user_id == User.id
)
"""What a protected request has to know, in one statement: the user, the session, and the names of the roles."""
