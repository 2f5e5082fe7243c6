"""The verbs of the audit trail, on the dictionaries."""

from collections.abc import Sequence
from datetime import datetime

from fastauth.backends.memory.data import Data
from fastauth.core.models import AuditRecord


def add_audit_record(data: Data, record: AuditRecord) -> bool:
    """Store a record, and say that it is stored."""
    data.audit_records.append(record)
    return True


def list_audit_records(
    data: Data, *, user_id: str | None, event: str | None, since: datetime | None, before: str | None, limit: int
) -> Sequence[AuditRecord]:
    """Return a page of records, newest first."""
    return [
        record
        for record in sorted(data.audit_records, key=lambda record: record.id, reverse=True)
        if (user_id is None or user_id in {record.user_id, record.actor_id})
        and (event is None or event == record.event)
        and (since is None or record.at >= since)
        and (before is None or record.id < before)
    ][:limit]


def purge_audit_records(data: Data, before: datetime) -> int:
    """Delete the records of what happened before this moment; return how many there were."""
    kept = [record for record in data.audit_records if record.at >= before]
    purged = len(data.audit_records) - len(kept)
    data.audit_records = kept
    return purged
