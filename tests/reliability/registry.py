"""The scenarios: what each one is, and what came of it."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.reliability import scenarios

POSTGRES, MARIADB, MONGO, MONGO_SET, SQLITE = "postgres", "mariadb", "mongo-standalone", "mongo-replica-set", "sqlite"
SERVERS = (POSTGRES, MARIADB, MONGO, MONGO_SET)
"""The stores that are servers, which can be killed."""
STORES = (SQLITE, *SERVERS)
"""Every store that several processes can share."""
ONE_OF_EACH = (SQLITE, POSTGRES, MONGO_SET)
"""A store of each kind, for the short form of what takes long."""
IDS = tuple(f"RL-{number}" for number in range(1, 27))
_TOLD = 3


@dataclass
class Figure:
    """What a scenario has reached on one store.

    Attributes:
        reached: The figure in words, for the table.
        trials: How often it was tried.
        misses: What went wrong, one entry per miss; empty where the figure is reached.
    """

    reached: str = ""
    trials: int = 0
    misses: list[str] = field(default_factory=list)

    def trial(self, reached: bool, otherwise: object) -> None:
        """Count a trial, and note what was seen where it did not reach the figure."""
        self.trials += 1
        self.check(reached, otherwise)

    def check(self, holds: bool, otherwise: object) -> None:
        """Note what was seen where something does not hold that belongs to a trial."""
        if not holds:
            self.misses.append(str(otherwise))

    def says(self, reached: str) -> "Figure":
        """Return this figure in words; where it was missed, how often, and the first misses, come before them."""
        if self.misses:
            told = "; ".join(self.misses[:_TOLD])
            reached = f"MISSED {len(self.misses)} times ({told}): {reached}"
        self.reached = reached
        return self


class Scenario(NamedTuple):
    """One scenario.

    Attributes:
        id: Of the plan: ``RL-1`` to ``RL-26``. Several scenarios may share one.
        title: What is done, in a few words.
        asked: The figure to be reached.
        stores: On which stores it runs.
        short: On which of them it runs in the short form, where nobody names stores.
        waits: Whether it only waits most of the time, so that its stores may run at once.
        timed: Whether its figure is a speed, which a machine that does something else spoils: it has a second try.
        run: Runs it on a store.
    """

    id: str
    title: str
    asked: str
    stores: Sequence[str]
    short: Sequence[str]
    waits: bool
    timed: bool
    run: Callable[[Any, str], Awaitable[Figure]]


_known: dict[tuple[str, str], Scenario] = {}
_Run = Callable[[Any, str], Awaitable[Figure]]


def scenario(
    id_: str,
    title: str,
    asked: str,
    *,
    stores: Sequence[str],
    short: Sequence[str] | None = None,
    waits: bool = False,
    timed: bool = False,
) -> Callable[[_Run], _Run]:
    """Enter a scenario into the list; see :mod:`tests.reliability`.

    Args:
        id_: Of the plan.
        title: What is done, in a few words.
        asked: The figure to be reached.
        stores: On which stores it runs.
        short: On which of them it runs in the short form; None: on all.
        waits: Whether it only waits most of the time, so that its stores may run at once.
        timed: Whether its figure is a speed, which a machine that does something else spoils: it has a second try.
    """
    if id_ not in IDS:
        raise ValueError(f"{id_} is none of the plan's.")
    if (id_, title) in _known:
        raise ValueError(f"There are two scenarios {id_} with the title {title!r}.")

    def enter(run: _Run) -> _Run:
        in_short = stores if short is None else short
        _known[id_, title] = Scenario(id_, title, asked, stores, in_short, waits, timed, run)
        return run

    return enter


def all_scenarios() -> list[Scenario]:
    """Return every scenario, in the order of the plan."""
    for module in pkgutil.iter_modules(scenarios.__path__, f"{scenarios.__name__}."):
        importlib.import_module(module.name)
    return sorted(_known.values(), key=lambda each: IDS.index(each.id))
