"""The user object that is made without a session is in the state of one that SQLAlchemy itself calls detached."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import ForeignKey, Integer, String, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, composite, make_transient_to_detached, mapped_column, relationship

from fastauth.backends.sql import UserMixin
from fastauth.backends.sql.mapping import UserMapping


class Base(DeclarativeBase):
    pass


class Plain(UserMixin, Base):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)


class Related(UserMixin, Base):
    __tablename__ = "related"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    notes: Mapped[list["Note"]] = relationship(back_populates="author")
    nick: Mapped[str | None] = mapped_column(String(20))


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("related.id"))
    author: Mapped[Related] = relationship(back_populates="notes")


@dataclass
class Point:
    x: str
    y: str


class Pointed(UserMixin, Base):
    __tablename__ = "pointed"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    place: Mapped[Point] = composite(mapped_column("x", String(9)), mapped_column("y", String(9)))


def state_of(user: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return what SQLAlchemy notes of an object under these names, but for which object it is."""
    return {name: getattr(inspect(user), name) for name in names if name != "obj"}


@pytest.mark.parametrize("model", [Plain, Related])
def test_it_is_what_sqlalchemy_makes_of_it(model: type[Any]) -> None:
    """Nothing of the state, and no attribute, differs from an object that went through SQLAlchemy's own function."""
    mapping: UserMapping[Any] = UserMapping(model, (), ())
    values = [f"{name}-value" if name != mapping.attributes[mapping.key_position] else 7 for name in mapping.attributes]
    ours = mapping.build(values)
    theirs = model.__mapper__.class_manager.new_instance()
    inspect(theirs).dict.update(zip(mapping.attributes, values, strict=True))
    make_transient_to_detached(theirs)
    noted = {*vars(inspect(ours)), *vars(inspect(theirs))}

    assert mapping._all_is_loaded
    assert state_of(ours, noted) == state_of(theirs, noted)
    assert inspect(ours).detached
    assert inspect(ours).identity == (7,)
    assert not inspect(ours).modified
    assert {**vars(ours), "_sa_instance_state": None} == {**vars(theirs), "_sa_instance_state": None}


def test_what_is_not_loaded_is_marked_by_sqlalchemy() -> None:
    """Of a class with attributes that are neither columns nor relationships, SQLAlchemy itself makes the state."""
    mapping: UserMapping[Any] = UserMapping(Pointed, (), ())
    user = mapping.build([7 if name == "id" else name for name in mapping.attributes])

    assert not mapping._all_is_loaded
    assert inspect(user).detached
    assert inspect(user).identity == (7,)
