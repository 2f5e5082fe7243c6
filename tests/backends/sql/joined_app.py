"""An app with a user class and a table of its own, for the verbs inside its transactions."""

from typing import Any

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth.backends.sql import UserMixin
from fastauth.core.models import NewUser


class OwnBase(DeclarativeBase):
    pass


class Member(UserMixin, OwnBase):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    nickname: Mapped[str | None] = mapped_column(String(20), unique=True)


class Profile(OwnBase):
    __tablename__ = "profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    text: Mapped[str] = mapped_column(String(50))


def new_user(name: str = "ada", **fields: Any) -> NewUser:
    return NewUser(name, f"{name}@example.com", f"hash of {name}", fields)


async def profiles(engine: AsyncEngine) -> list[str]:
    """Return the texts of the app's own rows that were committed."""
    async with AsyncSession(engine) as session:
        return sorted(await session.scalars(select(Profile.text)))


def vars_of(new: NewUser) -> dict[str, Any]:
    return {
        "username": new.username,
        "email": new.email,
        "hashed_password": new.hashed_password,
        "disabled": False,
    }
