"""The environment and ``.env``: looked up by name, each with where it stands."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastauth.cli.finding.report import ENVIRONMENT, Found

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*
    (?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^#\r\n]*?|[^\r\n]*?\S\#[^\r\n]*?))
    \s*(?:\s\#.*)?""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t"}


@dataclass(frozen=True)
class Environment:
    """Names and values of the process and of a ``.env`` file; the process comes first.

    Args:
        process: The environment of the process.
        file: The values of the file.
        notes: What could not be read.
    """

    process: Mapping[str, str]
    file: Mapping[str, Found]
    notes: tuple[str, ...] = ()

    def get(self, name: str, *, any_case: bool = False) -> Found | None:
        """Return the value of this name; an empty one counts as none.

        Args:
            name: The name.
            any_case: Take the name in any case, as pydantic-settings does.
        """
        return self.in_process(name, any_case=any_case) or self.in_file(name, any_case=any_case)

    def in_process(self, name: str, *, any_case: bool = False) -> Found | None:
        """Return the value of this name in the environment of the process."""
        key = _key(self.process, name, any_case)
        value = "" if key is None else self.process[key]
        return Found(value, ENVIRONMENT, None, key or name) if value else None

    def in_file(self, name: str, *, any_case: bool = False) -> Found | None:
        """Return the value of this name in ``.env``."""
        key = _key(self.file, name, any_case)
        found = None if key is None else self.file[key]
        return found if found is not None and found.value else None


def read_environment(root: Path) -> Environment:
    """Return the environment of this process, and of ``.env`` in this folder."""
    path = root / ".env"
    if not path.is_file():
        return Environment(os.environ, {})
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return Environment(os.environ, {}, (f".env cannot be read: {why}.",))
    found: dict[str, Found] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            found[match["name"]] = Found(_value(match), path.name, number, match["name"])
    return Environment(os.environ, found)


def _value(match: re.Match[str]) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match["double"])
    return match["bare"].strip()


def _key(names: Mapping[str, object], name: str, any_case: bool) -> str | None:
    if name in names or not any_case:
        return name if name in names else None
    return next((each for each in names if each.lower() == name.lower()), None)
