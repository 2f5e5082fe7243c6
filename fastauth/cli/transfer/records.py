"""Reads users from CSV or JSON lines, one at a time; a line that cannot be read is a record that says why."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from fastauth.cli.errors import Misuse

FORMATS = ("csv", "jsonl")
_MAX_LINE = 64 * 1024  # no user takes more, and memory stays bounded whatever the file is


@dataclass(frozen=True)
class Record:
    """One user of a file.

    Attributes:
        line: Where it begins, from 1.
        values: By column; they may hold a password.
        problem: Why it could not be read; None when it could.
    """

    line: int
    values: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    problem: str | None = None


class RecordReader:
    """The records of one file, in order.

    Args:
        path: The file.
        kind: ``csv`` or ``jsonl``; None goes by the file's name.

    Raises:
        Misuse: The name does not say the format, or a CSV file has no usable heading.
    """

    def __init__(self, path: Path, kind: str | None) -> None:
        self.path = path
        self.kind: str = kind or _kind_of(path)
        self.position: int = 0
        """How many bytes have been read."""
        self._line = 0
        self._problems: dict[int, str] = {}

    def __iter__(self) -> Iterator[Record]:
        with self.path.open("rb") as file:
            yield from self._csv(file) if self.kind == "csv" else self._json(file)

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        self.position = self._line = 0
        while raw := file.readline(_MAX_LINE):
            self._line += 1
            self.position += len(raw)
            if len(raw) == _MAX_LINE and not raw.endswith(b"\n"):
                while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                    self.position += len(rest)
                self.position += len(rest)
                self._problems[self._line] = f"The line is longer than {_MAX_LINE // 1024} KiB."
                yield "\n"
                continue
            try:
                text = raw.decode("utf-8-sig" if self._line == 1 else "utf-8")
            except UnicodeDecodeError:
                self._problems[self._line] = "The line is not UTF-8."
                text = "\n"
            yield text

    def _json(self, file: BinaryIO) -> Iterator[Record]:
        for text in self._lines(file):
            line = self._line
            problem = self._problems.pop(line, None)
            if problem is not None:
                yield Record(line, problem=problem)
            elif text.strip():
                yield self._parsed(line, text)

    @staticmethod
    def _parsed(line: int, text: str) -> Record:
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            return Record(line, problem="The line is not JSON.")
        if not isinstance(values, dict):
            return Record(line, problem="The line is no JSON object.")
        return Record(line, cast("dict[str, Any]", values))

    def _csv(self, file: BinaryIO) -> Iterator[Record]:
        rows = csv.reader(self._lines(file), strict=True)
        columns = self._heading(rows)
        while True:
            line = self._line + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(line, problem=f"The line is not CSV: {error}.")
                continue
            problem = next((self._problems.pop(n) for n in range(line, self._line + 1) if n in self._problems), None)
            if problem is None and row and len(row) != len(columns):
                problem = f"The line has {len(row)} values, and the heading {len(columns)}."
            if problem is not None:
                yield Record(line, problem=problem)
            elif row:
                yield Record(line, {name: value for name, value in zip(columns, row, strict=True) if value != ""})

    def _heading(self, rows: Iterator[list[str]]) -> list[str]:
        try:
            first: list[str] = next(rows, list[str]())
            columns = [name.strip() for name in first]
        except csv.Error:
            columns = []
        if not {"username", "email"} <= set(columns):
            raise Misuse(
                f"{self.path} has no heading with username and email in its first line: "
                "add one, such as username,email,hashed_password,roles."
            )
        return columns


def _kind_of(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix in {".jsonl", ".ndjson"}:
        return "jsonl"
    raise Misuse(f"{path} is neither .csv nor .jsonl: say which with --format.")
