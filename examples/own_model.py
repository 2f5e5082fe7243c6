"""A user class of your own: a UUID key, its own table, extra columns. Nothing is inherited from FastAuth."""

import uuid
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "members"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool] = mapped_column(default=False)
    first_name: Mapped[str] = mapped_column(String(50))
    credits: Mapped[int] = mapped_column(default=0)


store = SQLStore(
    create_async_engine("sqlite+aiosqlite:///members.db"),
    user_model=Member,
    public_fields=("first_name", "credits"),  # appear in user JSON
    writable_fields=("first_name",),  # may be sent to /register
)
auth = FastAuth(store=store)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

CurrentMember = Annotated[Member, Depends(auth.current_user)]


@app.get("/hello")
async def hello(member: CurrentMember) -> dict[str, str]:
    return {"message": f"Hello {member.first_name}, you have {member.credits} credits"}
