"""The export: page by page into a file that appears only when it is complete."""

import csv
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from fastauth.cli.errors import Misuse
from fastauth.cli.people import account_json
from fastauth.cli.target import Target

_PAGE = 500


class _Writer(Protocol):
    def __call__(self, row: dict[str, Any]) -> None: ...


async def rows_of(on: Target, *, hashes: bool, **filters: Any) -> AsyncIterator[dict[str, Any]]:
    """Give the users one by one, a page of the store at a time."""
    after: str | None = None
    while True:
        page = await on.auth.accounts.list(after=after, limit=_PAGE, **filters)
        for account in page:
            row = account_json(on, account)
            yield {**row, "hashed_password": account.hashed_password} if hashes else row
        if len(page) < _PAGE:
            return
        after = page[-1].id


def columns_of(on: Target, *, hashes: bool) -> list[str]:
    """Return the columns of a CSV file."""
    own = [field.name for field in on.auth.store.schema.public]
    return ["id", "username", "email", "disabled", "roles", *own, *(["hashed_password"] if hashes else [])]


def writer_for(file: TextIO, kind: str, columns: list[str]) -> _Writer:
    """Return what writes one row in this format; a CSV file gets its heading."""
    if kind == "jsonl":
        return lambda row: _write_json(file, row)
    rows = csv.DictWriter(file, columns, lineterminator="\n")
    rows.writeheader()
    return lambda row: _write_csv(rows, row)


@contextmanager
def whole_file(path: Path, *, force: bool) -> Generator[TextIO, None, None]:
    """Open a file for writing that takes its name only when all is written; nobody else may read it.

    Args:
        path: The name; ``-`` is the standard output.
        force: Replace a file that is there.

    Raises:
        Misuse: There is such a file.
    """
    if str(path) == "-":
        yield sys.stdout
        return
    if path.exists() and not force:
        raise Misuse(f"{path} exists already: choose another name, or replace it with --force.")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # created with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _write_json(file: TextIO, row: dict[str, Any]) -> None:
    file.write(_json(row) + "\n")


def _write_csv(rows: "csv.DictWriter[str]", row: dict[str, Any]) -> None:
    flat = {**row, "roles": " ".join(row["roles"]), "disabled": "true" if row["disabled"] else "false"}
    rows.writerow({name: _json(value) if isinstance(value, (list, dict)) else value for name, value in flat.items()})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
