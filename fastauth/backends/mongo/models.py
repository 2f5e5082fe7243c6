"""The ready-made user."""

from beanie import Document
from pydantic import Field


class User(Document):
    """The ready-made user, with an ObjectId as key; ``create_schema`` makes its indexes."""

    username: str = Field(max_length=64)
    email: str = Field(max_length=254)
    hashed_password: str = Field(repr=False)
    disabled: bool = False

    class Settings:
        """What Beanie reads."""

        name = "fastauth_users"
