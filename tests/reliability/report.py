"""The table in ``docs/reliability.md``: what was asked, what was reached, on which store, in how many trials."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.reliability.registry import IDS, STORES, Figure, Scenario, all_scenarios

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
BEGIN = "<!-- written by `nox -s reliability -- --publish` -->"
END = "<!-- as far as here -->"
_HEAD = "| | Scenario | Asked | Store | Reached | Trials |\n|---|---|---|---|---|---|"
_MISSED = "MISSED"


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        id: Of the plan.
        title: What is done.
        asked: The figure asked.
        store: On which store.
        reached: The figure reached.
        trials: How many trials.
    """

    id: str
    title: str
    asked: str
    store: str
    reached: str
    trials: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What says which row it is."""
        return (self.id, self.title, self.store)

    def __str__(self) -> str:
        return f"| {' | '.join(_safe(cell) for cell in self)} |"


def row_of(scenario: Scenario, store: str, figure: Figure) -> Row:
    """Return the row of a scenario that has run."""
    return Row(scenario.id, scenario.title, scenario.asked, store, figure.reached, str(figure.trials))


def line_of(scenario: Scenario, store: str, figure: Figure, seconds: float) -> str:
    """Return the line that a run says of a scenario."""
    return f"{_before(scenario, store)}{figure.reached} ({figure.trials} trials, {seconds:.0f} s)"


def rows_of(lines: Iterable[str]) -> list[Row]:
    """Return the rows of lines that a run has said; one that was missed, or is of something else, has none."""
    begins = {_before(each, store): (each, store) for each in all_scenarios() for store in each.stores}
    rows: list[Row] = []
    for line in lines:
        for begin, (each, store) in begins.items():
            end = re.fullmatch(r"(.+) \((\d+) trials, \d+ s\)", line.rstrip().removeprefix(begin))
            if line.startswith(begin) and end is not None and not end[1].startswith(_MISSED):
                rows.append(row_of(each, store, Figure(end[1], int(end[2]))))
    return rows


def _before(scenario: Scenario, store: str) -> str:
    return f"{scenario.id}  {store}  {scenario.title}: "


def published() -> list[Row]:
    """Return the rows that the page has."""
    _, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    table, _, _ = rest.partition(END)
    lines = [line for line in table.splitlines() if line.startswith("| RL-")]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def wanted() -> list[tuple[str, str, str]]:
    """Return the keys of the rows that the page is to have, in order: each scenario on each of its stores."""
    keys = [(each.id, each.title, store) for each in all_scenarios() for store in each.stores]
    position = {store: number for number, store in enumerate(STORES)}
    return sorted(keys, key=lambda key: (IDS.index(key[0]), key[1], position.get(key[2], -1)))


def publish(rows: Iterable[Row]) -> None:
    """Write rows into the page; the others stay, unless their scenario is gone, and so do those of more trials."""
    known: dict[tuple[str, str, str], Row] = {}
    for row in (*published(), *rows):
        if row.key not in known or int(row.trials) >= int(known[row.key].trials):
            known[row.key] = row
    text = PAGE.read_text("utf-8")
    table = "\n".join([_HEAD, *(str(known[key]) for key in wanted() if key in known)])
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{table}\n\n{END}", text), "utf-8")


def _safe(cell: str) -> str:
    return " ".join(cell.replace("|", "/").replace("<", "&lt;").split())
