"""Runs the scenarios and says one line and figure for each: ``python -m tests.reliability``.

It ends with 1 where a figure was missed.
"""

import argparse
import asyncio
import itertools
import operator
import os
import sys
import time
import traceback
from pathlib import Path

from tests.reliability.lab import Lab
from tests.reliability.registry import STORES, Figure, Scenario, all_scenarios
from tests.reliability.report import line_of, publish, row_of, rows_of
from tests.server_process import UnavailableError

_SHORT_SECONDS, _LONG_SECONDS = 240, 3 * 3600  # for one scenario on one store, which may hang


def read_arguments() -> argparse.Namespace:
    """Return what to run, which exists; what does not ends the program with status 2."""
    parser = argparse.ArgumentParser(prog="nox -s reliability --", description=__doc__)
    parser.add_argument("--long", action="store_true", help="the full number of trials, which takes hours")
    parser.add_argument("--only", type=_listed, default="", help="which scenarios, such as RL-8,RL-12; all by default")
    parser.add_argument("--store", type=_listed, default="", help=f"which stores, out of {', '.join(STORES)}, or all")
    parser.add_argument("--minutes", type=float, help="how long a soak takes")
    parser.add_argument("--trials", type=int, help="how many trials, instead of the number of either form")
    parser.add_argument("--repeat", type=int, default=1, help="how often, to see whether a scenario is steady")
    parser.add_argument("--publish", action="store_true", help="write what is reached into docs/reliability.md")
    parser.add_argument("--publish-from", type=Path, help="write what a saved run has said there, and run nothing")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    arguments = parser.parse_args()
    known = {*STORES, "redis"}
    if arguments.store == {"all"}:
        arguments.store = known
    if strange := arguments.only - {scenario.id for scenario in all_scenarios()}:
        parser.error(f"there is no scenario {', '.join(sorted(strange))}: --list shows those there are")
    if strange := arguments.store - known:
        parser.error(f"there is no store {', '.join(sorted(strange))}: there are {', '.join(STORES)} and redis")
    return arguments


def _listed(text: str) -> set[str]:
    return {each.strip() for each in text.split(",") if each.strip()}


async def measure(lab: Lab, scenario: Scenario, store: str) -> Figure:
    """Run a scenario on a store; what it raises, or that it does not end, is a miss."""
    figure = Figure()
    seconds = _LONG_SECONDS if lab.long or lab.minutes or lab.has_own_number else _SHORT_SECONDS
    try:
        return await asyncio.wait_for(scenario.run(lab, store), seconds)
    except UnavailableError as error:
        if os.environ.get("CI"):
            figure.check(False, f"{store} has to be here: {error}")
        return figure.says(f"not run: {error}")
    except asyncio.TimeoutError:
        figure.check(False, f"it was not done after {seconds} seconds")
    except Exception as error:  # noqa: BLE001  # of whatever kind, it is a miss
        traceback.print_exc()
        figure.check(False, f"{type(error).__name__}: {error}"[:300])
    return figure.says("it broke off")


async def tell(lab: Lab, scenario: Scenario, store: str, *, publishes: bool) -> bool:
    """Run a scenario on a store, say and publish its figure, and return whether it was missed."""
    started = time.monotonic()
    figure = await measure(lab, scenario, store)
    if figure.misses and scenario.timed:
        sys.stdout.write(f"once more: {line_of(scenario, store, figure, time.monotonic() - started)}\n")
        figure = await measure(lab, scenario, store)
    if publishes and figure.trials and not figure.misses:  # at once: a long run may be broken off
        publish([row_of(scenario, store, figure)])
    sys.stdout.write(f"{line_of(scenario, store, figure, time.monotonic() - started)}\n")
    sys.stdout.flush()
    return bool(figure.misses)


async def run(arguments: argparse.Namespace) -> int:
    """Run what was asked for and return the exit status."""
    if arguments.publish_from is not None:
        publish(rows_of(arguments.publish_from.read_text("utf-8").splitlines()))
        return 0
    ids, stores = arguments.only, arguments.store
    chosen = [
        (scenario, store)
        for scenario in all_scenarios()
        for store in (scenario.stores if arguments.long or stores else scenario.short)
        if (not ids or scenario.id in ids) and (not stores or store in stores)
    ]
    if arguments.list:
        for scenario, store in chosen:
            sys.stdout.write(f"{scenario.id}  {store}  {scenario.title}: {scenario.asked}\n")
        return 0
    if not chosen:
        sys.stderr.write("None of these scenarios runs on any of these stores: --list shows what there is.\n")
        return 2
    began = time.monotonic()
    missed: list[bool] = []
    async with Lab(long=arguments.long, minutes=arguments.minutes, trials=arguments.trials) as lab:
        for scenario, several in itertools.groupby(chosen * arguments.repeat, operator.itemgetter(0)):
            told = [tell(lab, scenario, store, publishes=arguments.publish) for _, store in several]
            missed += await asyncio.gather(*told) if scenario.waits else [await each for each in told]
    sys.stdout.write(f"{len(missed)} figures, {sum(missed)} missed, in {time.monotonic() - began:.0f} s\n")
    return 1 if any(missed) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(read_arguments())))
