"""The verbs of the audit trail."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from fastauth.backends.common import in_utc
from fastauth.backends.mongo.base import MongoBase, changing, is_text
from fastauth.backends.mongo.database import Raw
from fastauth.core.models import AuditRecord, U

_STORED_AS = {each.name: "_id" if each.name == "id" else each.name for each in fields(AuditRecord)}


class MongoAuditStore(MongoBase[U]):
    """:class:`~fastauth.core.protocols.AuditStore` on MongoDB."""

    @changing
    async def add_audit_record(self, record: AuditRecord) -> bool:
        """Store a record, and say that it is stored."""
        stored: Raw = {stored_name: getattr(record, name) for name, stored_name in _STORED_AS.items()}
        await self._deciding()
        await (await self._database.ready()).audit_records.insert_one({**stored, "details": dict(record.details)})
        return True

    async def list_audit_records(
        self,
        *,
        user_id: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[AuditRecord]:
        """Return a page of records, newest first."""
        if limit < 1 or not all(text is None or is_text(text) for text in (user_id, event, before)):
            return []
        where: Raw = {}
        if user_id is not None:
            where["$or"] = [{"user_id": user_id}, {"actor_id": user_id}]
        if event is not None:
            where["event"] = event
        if since is not None:
            where["at"] = {"$gte": since}
        if before is not None:
            where["_id"] = {"$lt": before}
        records = (await self._database.ready()).audit_records
        return [_record(stored) for stored in await records.find(where, sort=[("_id", -1)], limit=limit)]

    @changing
    async def purge_audit_records(self, before: datetime) -> int:
        """Delete the records of what happened before this moment; return how many there were."""
        records, past = (await self._database.ready()).audit_records, {"at": {"$lt": before}}
        purged = await records.count(past)
        if purged:
            await self._deciding(purged)
            purged = await records.delete_many(past)
        return purged


def _record(stored: Raw) -> AuditRecord:
    values: dict[str, Any] = {name: stored[stored_name] for name, stored_name in _STORED_AS.items()}
    values["at"] = in_utc(values["at"])
    return AuditRecord(**values)
