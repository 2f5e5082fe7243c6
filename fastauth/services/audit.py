"""The audit trail: one line per event, in the log and, where it is wanted, in the database."""

import itertools
import json
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic

from fastauth.core.clock import moment_in_utc
from fastauth.core.events import Event
from fastauth.core.models import AuditRecord, U
from fastauth.core.protocols import Store
from fastauth.core.settings import AuditSettings

logger: logging.Logger = logging.getLogger("fastauth.audit")

_MAX_DETAIL = 128  # characters of one value; in JSON, each may become twelve
_MAX_PAGE = 1000
_numbers = itertools.cycle(range(2**32))  # order the records of one millisecond


class AuditTrail:
    """Makes records of events.

    Args:
        settings: Where the records go, and what they show.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self.keeps: bool = settings.keep

    async def keep(self, event: Event, store: Store[Any]) -> None:
        """Store the record of an event, where the trail is kept in the database."""
        if self.keeps:
            await store.add_audit_record(self.record_of(event))

    def log(self, event: Event) -> None:
        """Write the record of an event into the log ``fastauth.audit``, with its fields in ``record.fastauth``."""
        level = logging.INFO if event.outcome == "success" else logging.WARNING
        if not logger.isEnabledFor(level):
            return
        record = self.record_of(event)
        fields = {
            "event": record.event,
            "outcome": record.outcome,
            "at": record.at.isoformat(),
            "actor_id": record.actor_id,
            "user_id": record.user_id,
            "session_id": record.session_id,
            "ip": record.ip,
            "user_agent": record.user_agent,
            **record.details,
        }
        # In JSON, so that no line break of a client's making ends the line.
        said = " ".join(f"{name}={json.dumps(value)}" for name, value in fields.items() if value is not None)
        logger.log(level, "%s", said, extra={"fastauth": fields})

    def record_of(self, event: Event) -> AuditRecord:
        """Return the record of an event."""
        milliseconds = int(event.at.timestamp() * 1000)
        return AuditRecord(
            id=f"{milliseconds:012x}{next(_numbers):08x}{secrets.token_hex(6)}",
            at=event.at.replace(microsecond=0),
            event=event.name,
            outcome=event.outcome,
            actor_id=event.actor_id,
            user_id=event.affected_id,
            session_id=getattr(event, "session_id", None),
            ip=event.client.ip,
            user_agent=event.client.user_agent,
            details={name: self._shown(value) for name, value in event.details.items()},
        )

    def _shown(self, value: str) -> str:
        name, at, domain = value.rpartition("@")
        shown = f"{name[:1]}***@{domain}" if at and self._settings.mask_emails else value
        return shown[:_MAX_DETAIL]


class Audit(Generic[U]):
    """The audit trail that is kept in the database, for reading.

    Args:
        store: Where it is kept.
    """

    def __init__(self, store: Store[U]) -> None:
        self._store = store

    async def list(
        self,
        *,
        user_id: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[AuditRecord]:
        """Return a page of records, newest first.

        Args:
            user_id: Only what this user did, or what happened to them.
            event: Only events of this name, such as ``user.registered``.
            since: Only what happened at this moment or later; in any time zone, but in one.
            before: The id of the last record of the page before.
            limit: How many records at most, up to 1,000.

        Raises:
            ValidationException: ``since`` names no time zone.
        """
        earliest = None if since is None else moment_in_utc(since, "since")
        return await self._store.list_audit_records(
            user_id=user_id, event=event, since=earliest, before=before, limit=max(1, min(limit, _MAX_PAGE))
        )

    async def purge(self, before: datetime) -> int:
        """Delete the records of what happened before this moment; return how many there were.

        Args:
            before: In any time zone, but in one.

        Raises:
            ValidationException: ``before`` names no time zone.
        """
        return await self._store.purge_audit_records(moment_in_utc(before, "before"))
