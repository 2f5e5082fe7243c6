"""From a document of the database to the app's object, and back; Beanie does it, as in the app's own queries."""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import uuid4

import bson
from beanie import Document, PydanticObjectId
from beanie.odm.actions import ActionDirections, ActionRegistry, EventTypes
from beanie.odm.utils.dump import get_dict
from beanie.odm.utils.parsing import parse_obj
from pydantic import ValidationError

from fastauth.backends.common import check_known, missing_value, refusal
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.errors import UNSTORABLE
from fastauth.backends.mongo.mapping import UserMapping
from fastauth.core.exceptions import ErrorDetail, ValidationException
from fastauth.core.models import NewUser

_M = TypeVar("_M")

_GONE = object()
_LARGEST = 16 * 1024 * 1024 - 16 * 1024  # bytes; MongoDB's limit, less what a command adds


class Changed(NamedTuple):
    """An object of which some fields have been given other values.

    Attributes:
        before: What is stored of it so far.
    """

    before: Raw
    document: Document


class UserObjects(Generic[_M]):
    """Makes and takes apart objects of the app's class, which must be initialised by then.

    Args:
        mapping: The app's class.
    """

    def __init__(self, mapping: UserMapping[_M]) -> None:
        self._mapping = mapping

    def build(self, raw: Raw) -> _M:
        """Return the app's object of a stored document."""
        try:
            return cast("_M", parse_obj(self._mapping.model, raw))
        except ValidationError as error:
            # Without the cause: its text holds what is stored, and that is the password hash among others.
            problems = "; ".join(f"{_dotted(each['loc'])}: {each['msg']}" for each in error.errors())
            raise RuntimeError(f"A stored document is no {self._mapping.name}: {problems}") from None

    def new(self, new: NewUser) -> Document:
        """Return an object that is not stored yet, with a key.

        Raises:
            ValidationException: A field is not on the model, or does not fit it.
        """
        check_known(new.fields, self._mapping.knows)
        ours = self._mapping.shape.new(new.username, new.email, new.hashed_password)
        try:
            document = self._mapping.model(**ours, **new.fields)
        except ValidationError as error:
            raise refusal([self._detail(each) for each in error.errors()]) from None
        if document.id is None:
            document.id = PydanticObjectId()
        if document.get_settings().use_revision:
            document.revision_id = uuid4()
        return document

    def encode(self, document: Document) -> Raw:
        """Return what is stored of an object.

        Raises:
            ValidationException: MongoDB cannot keep a value, or all of it together is too large.
        """
        try:
            raw: Raw = get_dict(document, to_db=True, keep_nulls=document.get_settings().keep_nulls)
            size = len(bson.encode(raw))
        except (*UNSTORABLE, ValueError, TypeError):
            raise ValidationException("A value does not fit into the database.") from None
        if size > _LARGEST:
            raise ValidationException("The values are too large for the database.")
        return raw

    def change(self, raw: Raw, name: str, value: Any) -> Raw:
        """Return the update that sets one of our fields of a stored document.

        Raises:
            ValidationException: The class does not take the document that it would be, and nobody could read it then.
        """
        changes = {self._mapping.stored_name(name): self._mapping.encode(value)}
        self._parsed({**raw, **changes})
        if self._mapping.model.get_settings().use_revision:
            # So that a copy which the app holds is refused when it is saved, and does not undo this.
            changes["revision_id"] = self._mapping.encode(uuid4())
        return {"$set": changes}

    def changed(self, raw: Raw, fields: Mapping[str, Any]) -> "Changed":
        """Return an object with other values in these fields, as the class takes them.

        Raises:
            ValidationException: A field is not on the model, or does not fit it.
        """
        check_known(fields, self._mapping.knows)
        before = self.encode(cast("Document", self.build(raw)))
        values = {self._mapping.stored_name(name): value for name, value in fields.items()}
        return Changed(before, self._parsed({**before, **values}))

    def difference(self, changed: "Changed") -> Raw:
        """Return the update of what differs of the app's own fields; empty when nothing does."""
        after = self.encode(changed.document)
        own = [name for name in {**changed.before, **after} if self._mapping.is_own(name)]
        values = {name: after[name] for name in own if name in after and after[name] != changed.before.get(name, _GONE)}
        update: Raw = {"$set": values} if values else {}
        gone = {name: "" for name in own if name not in after}
        if gone:
            update["$unset"] = gone
        if update and changed.document.get_settings().use_revision:
            update["$set"] = {**values, "revision_id": self._mapping.encode(uuid4())}
        return update

    async def before_update(self, changed: "Changed") -> None:
        """Run the app's hooks for before an update."""
        await ActionRegistry.run_actions(changed.document, EventTypes.UPDATE, ActionDirections.BEFORE, [])

    async def after_update(self, changed: "Changed") -> None:
        """Run the app's hooks for after an update."""
        await ActionRegistry.run_actions(changed.document, EventTypes.UPDATE, ActionDirections.AFTER, [])

    async def before_insert(self, document: Document) -> None:
        """Run the app's hooks for before an insert."""
        await document.validate_self()
        await ActionRegistry.run_actions(document, EventTypes.INSERT, ActionDirections.BEFORE, [])

    async def after_insert(self, document: Document) -> None:
        """Run the app's hooks for after an insert."""
        await ActionRegistry.run_actions(document, EventTypes.INSERT, ActionDirections.AFTER, [])

    def leaving(self, raw: Raw) -> Document | None:
        """Return the object that the app's hooks are given when its document is deleted.

        None where the class has no such hooks: a document that does not fit its class can be deleted all the same.
        """
        hooks = cast("Any", ActionRegistry).get_action_list  # whose type Beanie leaves open
        has_hooks = any(hooks(self._mapping.model, EventTypes.DELETE, when) for when in ActionDirections)
        return cast("Document", self.build(raw)) if has_hooks else None

    async def before_delete(self, leaving: Document | None) -> None:
        """Run the app's hooks for before a deletion."""
        if leaving is not None:
            await ActionRegistry.run_actions(leaving, EventTypes.DELETE, ActionDirections.BEFORE, [])

    async def after_delete(self, leaving: Document | None) -> None:
        """Run the app's hooks for after a deletion."""
        if leaving is not None:
            await ActionRegistry.run_actions(leaving, EventTypes.DELETE, ActionDirections.AFTER, [])

    def _parsed(self, to_be: Raw) -> Document:
        try:
            return cast("Document", parse_obj(self._mapping.model, to_be))
        except ValidationError as error:
            raise ValidationException(details=[self._detail(each) for each in error.errors()]) from None

    def _detail(self, problem: Mapping[str, Any]) -> ErrorDetail:
        field, *rest = problem["loc"] or ("",)
        name = self._mapping.field_stored_as(str(field)) or field
        if problem["type"] == "missing" and not rest:
            return missing_value(str(name))
        return ErrorDetail(loc=["body", name, *rest], msg=problem["msg"], type=problem["type"])


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))
