"""The verbs of the audit trail."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select

from fastauth.backends.common import in_utc
from fastauth.backends.sql.base import SQLBase, is_name, reading, verb
from fastauth.core.models import AuditRecord, U


class SQLAuditStore(SQLBase[U]):
    """:class:`~fastauth.core.protocols.AuditStore` on SQL."""

    @verb
    async def add_audit_record(self, record: AuditRecord) -> bool:
        """Store a record, and say that it is stored."""
        columns = self._tables.audit_records.c
        values = {name: getattr(record, name) for name in columns.keys()}  # noqa: SIM118  # not a dict
        values["details"] = json.dumps(dict(record.details))
        async with self.database.write_once() as connection:
            await connection.execute(insert(self._tables.audit_records).values(values))
        return True

    @reading
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
        if not all(is_name(text or "") for text in (user_id, event, before)):
            return []
        records = self._tables.audit_records.c
        page = select(*records).order_by(records.id.desc()).limit(limit)
        if user_id is not None:
            page = page.where(or_(records.user_id == user_id, records.actor_id == user_id))
        if event is not None:
            page = page.where(records.event == event)
        if since is not None:
            page = page.where(records.at >= since)
        if before is not None:
            page = page.where(records.id < before)
        async with self.database.read() as connection:
            rows = (await connection.execute(page)).mappings()
            return [_record(dict[str, Any](row)) for row in rows]

    @verb
    async def purge_audit_records(self, before: datetime) -> int:
        """Delete the records of what happened before this moment; return how many there were."""
        records = self._tables.audit_records
        return await self._delete_in_batches(records, records.c.at < before)


def _record(values: dict[str, Any]) -> AuditRecord:
    values |= {"at": in_utc(values["at"]), "details": json.loads(values["details"])}
    return AuditRecord(**values)
