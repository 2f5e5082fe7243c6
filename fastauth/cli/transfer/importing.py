"""The import: record by record through the same service as everyone's registration."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TextIO

from fastauth.backends.common import check_known, missing_value, refusal
from fastauth.cli.errors import Failure, Misuse, reason
from fastauth.cli.fields import own_fields
from fastauth.cli.output import printable
from fastauth.cli.target import Target
from fastauth.cli.transfer.progress import Progress, Tally
from fastauth.cli.transfer.records import Record, RecordReader
from fastauth.core.exceptions import (
    ConflictException,
    NotFoundException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import USER, Account
from fastauth.core.protocols import Store
from fastauth.services.accounts import Accounts

_BATCH = 500
_SHOWN = 20
_OURS = frozenset({"id", "username", "email", "password", "hashed_password", "roles", "disabled"})
_YES = frozenset({"true", "1", "yes", "t", "y"})
_NO = frozenset({"false", "0", "no", "f", "n", ""})

Outcome = Literal["created", "there"]


@dataclass(frozen=True)
class NewcomerValues:
    """One user as a file says it."""

    username: str
    email: str
    password: str | None = field(repr=False)
    hashed_password: str | None = field(repr=False)
    roles: tuple[str, ...]
    disabled: bool
    fields: dict[str, Any] = field(repr=False)


class Import:
    """One run over one file.

    Args:
        on: Where the users go.
        reader: Where they come from.
        jobs: How many are made at once; hashing plain passwords takes one processor core each.
        dry_run: Check every line, and make nobody.
        advance: Called with the number of bytes read.
        tell: Called with each of the first refused lines.
    """

    def __init__(
        self,
        on: Target,
        reader: RecordReader,
        *,
        jobs: int,
        dry_run: bool,
        advance: Callable[[int], None],
        tell: Callable[[str], None],
    ) -> None:
        self._on = on
        self._reader = reader
        self._progress = Progress(reader.path, on.name)
        self._jobs = asyncio.Semaphore(jobs)
        self._dry_run = dry_run
        self._advance = advance
        self._tell = tell
        self.tally: Tally = Tally() if dry_run else self._progress.load()
        self.resumed_at: int = self.tally.line
        self._known_roles: frozenset[str] = frozenset()
        self._promised: dict[str, str] = {}  # addresses by name, of whom this dry run would have made
        self._promised_emails: set[str] = set()

    @property
    def refused_file(self) -> Path:
        """Where every refused line is reported."""
        return self._progress.refused_file

    async def run(self) -> None:
        """Import what is not done yet."""
        self._known_roles = frozenset(role.name for role in await self._on.auth.roles.list())
        in_doubt = bool(self.resumed_at)  # the batch that was interrupted may have been half made
        rest = (record for record in self._reader if record.line > self.resumed_at)
        if not self.resumed_at:
            self.refused_file.unlink(missing_ok=True)
        for batch in _batches(rest):
            outcomes = await self._outcomes(batch, in_doubt)
            self._count(batch, outcomes)
            if not self._dry_run:
                self._progress.save(self.tally)
            self._advance(self._reader.position)
            in_doubt = False
        if not self._dry_run:
            self._progress.finish()

    def _count(self, batch: list[Record], outcomes: Iterable[str]) -> None:
        refused: list[dict[str, Any]] = []
        for record, outcome in zip(batch, outcomes, strict=True):
            if outcome in {"created", "there"}:
                setattr(self.tally, outcome, getattr(self.tally, outcome) + 1)
                continue
            username = record.values.get("username")
            shown = printable(username)[:64] if isinstance(username, str) else None
            refused.append({"line": record.line, "username": shown, "why": outcome})
            self.tally.refused += 1
            if self.tally.refused <= _SHOWN:
                self._tell(f"line {record.line}{f' ({shown})' if shown else ''}: {outcome}")
        self.tally.line = batch[-1].line
        if refused:
            with self.refused_file.open("a", encoding="utf-8") as file:
                _write_lines(file, refused)

    async def _outcomes(self, batch: list[Record], in_doubt: bool) -> list[str]:
        """Return of each record ``created``, ``there``, or why it was refused."""
        ready = await asyncio.gather(*map(self._prepare, batch))  # the slow part, which has no need of the store
        async with self._batch() as store:
            accounts: Accounts[Any] = self._on.auth.accounts.on(store)
            return [each if isinstance(each, str) else await self._one(each, accounts, in_doubt) for each in ready]

    def _batch(self) -> AbstractAsyncContextManager[Store[Any]]:
        store: Store[Any] = self._on.auth.store
        inspector = self._on.inspector
        return nullcontext(store) if inspector is None or self._dry_run else inspector.batch()

    async def _prepare(self, record: Record) -> "NewcomerValues | str":
        """Return the values with the password hashed, or why the line is refused."""
        if record.problem is not None:
            return record.problem
        passwords = self._on.auth.passwords
        async with self._jobs:
            try:
                new = self._values_of(record)
                if new.password is None:
                    return new
                passwords.policy.check(new.password, username=new.username, email=new.email)
                hashed = None if self._dry_run else await passwords.hash(new.password)
                return replace(new, password=None if hashed else new.password, hashed_password=hashed)
            except (ValidationException, Failure) as error:
                return _why(error)

    async def _one(self, new: NewcomerValues, accounts: Accounts[Any], in_doubt: bool) -> str:
        try:
            return await (self._check(new) if self._dry_run else self._make(new, accounts, in_doubt))
        except (ValidationException, ConflictException, NotFoundException) as error:
            return _why(error)

    async def _make(self, new: NewcomerValues, accounts: Accounts[Any], in_doubt: bool) -> Outcome:
        try:
            account: Account[Any] = await accounts.create(
                new.username,
                new.email,
                None,
                hashed_password=new.hashed_password,
                roles=new.roles,
                fields=new.fields,
            )
            outcome: Outcome = "created"
        except UserExistsException:
            same = await self._same_user(new, accounts)
            if same is None:
                raise
            account, outcome = same, "there"
        if new.disabled and not account.disabled and (outcome == "created" or in_doubt):
            await accounts.disable(account.id)
        return outcome

    async def _check(self, new: NewcomerValues) -> Outcome:
        """Return what :meth:`_make` would, also where lines before this one would have made the user."""
        accounts: Accounts[Any] = self._on.auth.accounts
        username, email = accounts.names_of(new.username, new.email)
        if new.password is None and not self._on.auth.passwords.recognizes(new.hashed_password or ""):
            raise ValidationException.of("hashed_password", "This is not a password hash that can be verified.")
        self._check_fields(new.fields)
        namesake = await accounts.find(username)
        if email in {self._promised.get(username), None if namesake is None else namesake.email}:
            return "there"
        if username in self._promised or namesake is not None:
            raise UserExistsException(field="username")
        if email in self._promised_emails or await accounts.find(email) is not None:
            raise UserExistsException(field="email")
        self._promised[username] = email
        self._promised_emails.add(email)
        return "created"

    def _check_fields(self, fields: Mapping[str, Any]) -> None:
        schema = self._on.auth.store.schema
        if schema.settable is not None:
            check_known(fields, schema.settable.__contains__)
        missing = [missing_value(name) for name in schema.required if fields.get(name) is None]
        if missing:
            raise refusal(missing)

    async def _same_user(self, new: NewcomerValues, accounts: Accounts[Any]) -> Account[Any] | None:
        username, email = accounts.names_of(new.username, new.email)
        account = await accounts.find(username)
        return account if account is not None and account.email == email else None

    def _values_of(self, record: Record) -> NewcomerValues:
        values = record.values
        password, hashed = _text(values, "password"), _text(values, "hashed_password")
        if (password is None) == (hashed is None):
            raise Misuse("The line needs password or hashed_password, and not both.")
        if password is not None and self._on.auth.passwords.recognizes(password):
            password, hashed = None, password  # hashing the hash would lock everybody out
        roles = _roles(values.get("roles"))
        for name in roles:
            if name not in self._known_roles:
                raise Misuse(f"There is no role {printable(name)!r}.")
        own = {name: value for name, value in values.items() if name not in _OURS}
        return NewcomerValues(
            username=_text(values, "username") or "",
            email=_text(values, "email") or "",
            password=password,
            hashed_password=hashed,
            roles=roles,
            disabled=_flag(values.get("disabled")),
            fields=own_fields(self._on, own),
        )


def _why(error: ValidationException | ConflictException | NotFoundException | Failure) -> str:
    return error.message if isinstance(error, Failure) else f"{reason(error).rstrip('.')}."


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, _BATCH)):
        yield batch


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is not None and not isinstance(value, str):
        raise Misuse(f"{name} is no text.")
    return value


def _roles(value: Any) -> tuple[str, ...]:
    if value is None:
        return (USER,)
    names = re.split(r"[,;|\s]+", value) if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnknownVariableType]
        raise Misuse("roles is neither a text nor a list of texts.")
    return tuple(dict.fromkeys(name.lower() for name in names if name))  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value if value is not None else "").strip().lower()
    if text not in _YES | _NO:
        raise Misuse("disabled is neither true nor false.")
    return text in _YES


def _write_lines(file: TextIO, rows: Iterable[dict[str, Any]]) -> None:
    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
