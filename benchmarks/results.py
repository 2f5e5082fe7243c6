"""What a run has measured, and how long it takes to measure."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from benchmarks.figures import BY_KEY, FIGURES, Figure
from benchmarks.samples import Spread


@dataclass(frozen=True)
class Pace:
    """How long to measure.

    Attributes:
        quick: Whether everything is shortened.
        rounds: Pairs per comparison.
        slice_seconds: The length of a slice.
        warm_seconds: How long each side is asked before: long enough for every token to come once.
        storm_seconds: How long ``/ping`` is watched in each storm.
        storm_rounds: How often sign-ins and bcrypt's limit are measured in turn.
        sizes: Numbers of users and sessions, smallest first.
        requests: How many before memory is read.
        imports: How often the import is timed.
        token_rounds: Pairs per token comparison.
    """

    quick: bool = False
    rounds: int = 40
    slice_seconds: float = 0.1
    warm_seconds: float = 1.5
    storm_seconds: float = 8
    storm_rounds: int = 5
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    requests: int = 100_000
    imports: int = 21
    token_rounds: int = 40


QUICK = Pace(
    quick=True, rounds=8, slice_seconds=0.06, warm_seconds=0.6, storm_seconds=2, storm_rounds=2,
    sizes=(1_000, 20_000), requests=4_000, imports=3, token_rounds=10,
)  # fmt: skip
FULL = Pace()


@dataclass(frozen=True)
class Measured:
    """What was measured of one figure.

    Attributes:
        key: The figure's.
        value: Median and spread, in the figure's unit.
        second: The other measure, for figures with two.
        cpu: The ratio by processor time.
        note: What a reader has to know.
    """

    key: str
    value: Spread
    second: Spread | None = None
    cpu: Spread | None = None
    note: str = ""

    @property
    def figure(self) -> Figure:
        """The row that it belongs to."""
        return BY_KEY[self.key]

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        figure = self.figure
        if figure.goal is None:
            return None
        second = self.second is not None and figure.second_goal is not None
        return figure.goal.is_reached(self.value.median) or (
            second and figure.second_goal is not None and figure.second_goal.is_reached(_median(self.second))
        )


def _median(value: Spread | None) -> float:
    assert value is not None
    return value.median


@dataclass
class Results:
    """All of a run.

    Attributes:
        mode: ``full`` or ``quick``.
        machine: What it ran on.
        versions: Of what.
        measured: By figure.
        series: What plots are made of, by name.
        day: When it ended, as ``2026-12-31``.
    """

    mode: str
    machine: Mapping[str, Any]
    versions: dict[str, str]
    measured: dict[str, Measured] = field(default_factory=dict[str, Measured])
    series: dict[str, Any] = field(default_factory=dict[str, Any])
    day: str = ""

    def add(self, measured: Measured) -> None:
        """Keep it, and show it."""
        self.measured[measured.key] = measured
        figure = measured.figure
        verdict = {True: "reached", False: "MISSED", None: "-"}[measured.reached]
        second = f", {measured.second} {figure.second_unit}" if measured.second else ""
        cpu = f", by processor time {measured.cpu.median:.3g}" if measured.cpu else ""
        goal = f"goal {figure.goal} {figure.unit}" if figure.goal else "no goal"
        click.echo(f"  {measured.key}: {measured.value} {figure.unit}{second}{cpu}; {goal}: {verdict}")

    def has(self, group: str, *, peers: bool) -> bool:
        """Say whether all figures of a group were measured; without the peers, those beside a peer are not missed."""
        wanted = [figure for figure in FIGURES if figure.group == group and (peers or figure.peer is None)]
        return all(figure.key in self.measured for figure in wanted)

    def resumed(self, path: Path) -> "Results":
        """Return what a run that broke off has measured and written, to go on with it.

        Raises:
            UsageError: There is none, or its figures cannot stand beside those of this run.
        """
        if not path.is_file():
            raise click.UsageError("--resume: there is no run to go on with; leave it out.")
        before = Results.read(path)
        if (before.mode, before.machine, before.versions) != (self.mode, self.machine, self.versions):
            raise click.UsageError("--resume: that run was another: its length, its machine or its versions.")
        return before

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        rows = [self.measured[figure.key] for figure in FIGURES if figure.key in self.measured]
        figures = [{**asdict(row), "reached": row.reached} for row in rows]
        content = {
            "mode": self.mode, "day": self.day, "machine": self.machine, "versions": self.versions, "figures": figures,
            "series": self.series,
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what :meth:`write` wrote."""
        content = json.loads(path.read_text("utf-8"))
        results = cls(
            content["mode"], content["machine"], content["versions"], series=content["series"], day=content["day"]
        )
        for row in content["figures"]:
            if row["key"] in BY_KEY:
                spreads = {name: Spread(**row[name]) if row[name] else None for name in ("second", "cpu")}
                results.measured[row["key"]] = Measured(row["key"], Spread(**row["value"]), note=row["note"], **spreads)
        return results


@contextmanager
def progress(title: str, length: int) -> Generator[Any, None, None]:
    """A bar that moves while something is measured; silent where nobody watches."""
    with click.progressbar(length=length, label=f"{title:<44}"[:44], show_pos=True) as bar:
        yield bar
