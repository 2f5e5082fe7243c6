"""What an app on MongoDB brings along: documents of its own; the same for whichever Beanie is installed."""

import secrets
import uuid
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import beanie
from beanie import Document, Insert, PydanticObjectId, after_event, before_event
from pydantic import ConfigDict, Field
from pymongo import IndexModel

from fastauth.core.models import NewUser, Session

KINDS = ["mongo-standalone", "mongo-replica-set"]
NOW = datetime(2035, 6, 15, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)

inserted: list[str] = []  # by the hooks of Member


class Member(Document):
    """An app's own user: another key, other names in the database, a hook, and fields of its own."""

    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    username: str
    email: str = Field(alias="mail")
    hashed_password: str = Field(alias="secret")
    disabled: bool = False
    first_name: Annotated[str, Field(max_length=20)]
    nickname: Annotated[str | None, beanie.Indexed(unique=True, sparse=True)] = None
    points: int = 0
    greeting: str = ""
    joined_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))

    class Settings:
        """What Beanie reads."""

        name = "members"
        keep_nulls = False
        indexes = (IndexModel([("first_name", 1), ("points", 1)], unique=True, name="unique_pair"),)

    @before_event(Insert)
    def greet(self) -> None:
        self.greeting = f"Hello {self.first_name}"

    @after_event(Insert)
    async def note(self) -> None:
        inserted.append(self.username)


class Plain(Document):
    """An app's own user that forbids all fields but its own, and whose copies are refused when they are stale."""

    id: str = Field(default_factory=lambda: secrets.token_hex(8))
    username: str
    email: str
    hashed_password: str
    disabled: bool | None = None

    model_config = ConfigDict(extra="forbid")

    class Settings:
        """What Beanie reads."""

        name = "plain"
        use_revision = True


class Linked(Document):
    """An app's own user with an ObjectId that it makes itself, and one more ObjectId that it shows."""

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    username: str
    email: str
    hashed_password: str
    disabled: bool = False
    team: PydanticObjectId | None = None


class Numbered(Document):
    """An app's own user with a number as key."""

    id: int = Field(default_factory=lambda: 7)
    username: str
    email: str
    hashed_password: str
    disabled: bool = False


class Named(Document):
    """An app's own user whose key is the name, so that a key can come back."""

    id: str = Field(default_factory=str)
    username: str
    email: str
    hashed_password: str
    disabled: bool = False

    @before_event(Insert)
    def name_it(self) -> None:
        self.id = self.username


def new_member(name: str = "ada", **fields: Any) -> NewUser:
    """Return a member to be stored."""
    return NewUser(name, f"{name}@example.com", f"hash of {name}", {"first_name": name.title(), **fields})


def new_session(user_id: str, session_id: str = "session-1") -> Session:
    """Return a session that lives for an hour."""
    return Session(session_id, user_id, 0, NOW, NOW, NOW + HOUR)
