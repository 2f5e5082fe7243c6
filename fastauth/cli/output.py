"""What the commands print: tables, JSON, notes on the error stream; and nothing that is a secret."""

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import click

from fastauth.cli.masking import mask

_SHORT = 8  # a password this short may be part of an innocent word, so it is only hidden where it stands alone
_ORDINARY = re.compile(r"[A-Za-z]{1,20}|[0-9]{1,3}")  # what our own sentences are made of
_GAP = "  "


@dataclass
class State:
    """What one run of the command line keeps: whether to show tracebacks, and what may never be shown.

    Attributes:
        muted: Whether what the library warns of is left to ``init`` and ``doctor``, which are there for it.
    """

    debug: bool = False
    muted: bool = False
    concealed: set[str] = field(default_factory=set[str], repr=False)

    def scrub(self, text: str) -> str:
        """Return a text of which we do not know what is in it without what may never be shown."""
        return self._without(self.concealed, text)

    def screen(self, text: str) -> str:
        """Return a sentence of ours, into which nothing came that was not scrubbed, without what may never be shown.

        A password may be a word that we say by ourselves, whatever the password is. Left there, it tells nobody
        anything; hidden, it would be told by its gap.
        """
        return self._without({secret for secret in self.concealed if not _ORDINARY.fullmatch(secret)}, text)

    @staticmethod
    def _without(concealed: Collection[str], text: str) -> str:
        for secret in sorted(concealed, key=len, reverse=True):
            exact = re.escape(secret)
            text = re.sub(rf"(?<!\w){exact}(?!\w)" if len(secret) <= _SHORT else exact, "***", text)
        return mask(text)


def state() -> State:
    """Return the state of this run."""
    context = click.get_current_context(silent=True)
    return State() if context is None else context.find_root().ensure_object(State)


def conceal(secret: str) -> str:
    """Remember that this text may not appear in any output, and return it."""
    if secret:
        state().concealed.add(secret)
    return secret


def scrub(text: str) -> str:
    """Return a text of which we do not know what is in it, such as a driver's message, without the secrets."""
    return state().scrub(text)


def screen(text: str) -> str:
    """Return a sentence of ours, into which nothing came that was not scrubbed, without the secrets."""
    return state().screen(text)


def note(text: str) -> None:
    """Print a line on the error stream: what was found, and where; scripts that read the output do not see it."""
    click.secho(screen(text), err=True, dim=True)


def warn(text: str) -> None:
    """Print a line on the error stream that asks for attention."""
    click.echo(click.style("Warning: ", fg="yellow") + screen(text), err=True)


def done(text: str) -> None:
    """Print what was done."""
    click.echo(click.style("✓ ", fg="green") + text)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def tell(text: str, facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Say what was done: in words, or as a JSON object of what a script would want to know of it."""
    if as_json:
        print_json(facts)
    else:
        done(text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under a heading, as wide as their widest cell; the last column is not padded."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(columns, *texts, strict=True)]
    click.secho(_line([name.upper() for name in columns], widths), bold=True)
    for row in texts:
        click.echo(_line(row, widths))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print names and values, one below the other."""
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(click.style(name.ljust(width), dim=True) + _GAP + _cell(value))


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def printable(text: str) -> str:
    """Return the text without characters that would move the cursor or change the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def count(number: int, thing: str) -> str:
    """Return the number with the word, in the plural where it is not one."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(sorted(map(str, value))) or "-"  # pyright: ignore[reportUnknownArgumentType]
    return printable(str(value))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(map(_pad, cells, widths)).rstrip()


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


bold: Callable[[str], str] = partial(click.style, bold=True)
