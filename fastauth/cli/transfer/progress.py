"""Where an import stands, kept beside its file, so that an interrupted one goes on where it stopped."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fastauth.cli.errors import Misuse

_HEAD = 1 << 20


@dataclass
class Tally:
    """What has become of the lines.

    Attributes:
        line: The last line that is done.
        created: Users that were made.
        there: Users who were there already, with the same name and address; they stay as they are.
        refused: Lines that made no user.
    """

    line: int = 0
    created: int = 0
    there: int = 0
    refused: int = 0


class Progress:
    """The state file of one import into one database.

    Args:
        path: The file that is imported.
        target: The name of the app or database.
    """

    def __init__(self, path: Path, target: str) -> None:
        self.state_file: Path = state_file_of(path)
        self.refused_file: Path = path.with_name(path.name + ".fastauth-refused")
        self._of = {"target": target, "size": path.stat().st_size, "sha256": _digest(path)}

    def load(self) -> Tally:
        """Return where an interrupted import stands; a new tally when there was none.

        Raises:
            Misuse: The state belongs to another file or database.
        """
        if not self.state_file.exists():
            return Tally()
        try:
            state = json.loads(self.state_file.read_text("utf-8"))
            tally = Tally(**state["tally"])
        except (ValueError, LookupError, TypeError) as error:
            raise Misuse(f"{self.state_file} cannot be read: delete it to begin again.") from error
        if state["of"] != self._of:
            raise Misuse(
                f"{self.state_file} is from another import, of another file or into another database: "
                "delete it to begin again; users who are there already stay as they are."
            )
        return tally

    def save(self, tally: Tally) -> None:
        """Keep where the import stands; a crash leaves the old state or the new one."""
        written = self.state_file.with_name(self.state_file.name + ".new")
        written.write_text(json.dumps({"of": self._of, "tally": asdict(tally)}), "utf-8")
        written.replace(self.state_file)

    def finish(self) -> None:
        """Forget the state: the import is complete."""
        self.state_file.unlink(missing_ok=True)


def state_file_of(path: Path) -> Path:
    """Return where the state of an import of this file is kept."""
    return path.with_name(path.name + ".fastauth-progress")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(_HEAD)).hexdigest()
