"""``fastauth bench-hash``: what bcrypt costs on this machine, and which cost to choose."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click

from fastauth.cli.output import bold, json_option, note, print_json
from fastauth.cli.root import Command
from fastauth.core.hashers import BcryptHasher
from fastauth.core.settings import PasswordSettings

_CHEAPEST = 4  # bcrypt knows no cheaper one
_LEAST_SAFE = 10  # which production asks for
_LEAST = 0.2  # seconds for each measurement, so that a cheap cost is measured more than once
_PASSWORD = "as long as a usual password"  # noqa: S105  # of nobody


@dataclass(frozen=True)
class Measurement:
    """What one cost takes.

    Attributes:
        cost: bcrypt's work factor; one more is twice the work.
        seconds: One hash, with nothing else going on.
        rates: Hashes a second, by the number of threads.
    """

    cost: int
    seconds: float
    rates: Mapping[int, float]


@dataclass(frozen=True)
class Choice:
    """The cost to choose.

    Attributes:
        measured: What it takes.
        slow: Whether even this one, the least that is safe, takes longer than was wanted.
        open_ended: Whether a higher cost, which was not measured, may do too.
    """

    measured: Measurement
    slow: bool
    open_ended: bool


@click.command("bench-hash", cls=Command)
@click.option(
    "--target", type=click.IntRange(1), default=250, show_default=True, metavar="MS", help="What one sign-in may take."
)
@click.option(
    "--max-cost",
    type=click.IntRange(_LEAST_SAFE, 20),
    default=14,
    show_default=True,
    metavar="COST",
    help="The highest cost to try; one more is twice the time.",
)
@json_option
def bench_hash(target: int, max_cost: int, as_json: bool) -> None:
    r"""Measure bcrypt here, and say which cost to choose.

    Every sign-in costs one hash, and every guess at a stolen database costs one too: choose the highest cost that your
    users do not feel. Measure on the machine that serves, when it has nothing else to do.

    \b
    Examples:
      fastauth bench-hash
      fastauth bench-hash --target 100 --json
    """
    counts = thread_counts(os.cpu_count() or 1)
    if not as_json:
        note(f"One hash for at least {_LEAST:g} s for each cost, with up to {counts[-1]} threads, one per core.")
        click.secho(_line("COST", "ONE SIGN-IN", [f"{n} THREAD{'S' if n > 1 else ''}" for n in counts]), bold=True)
    measured: list[Measurement] = []
    for each in measure(range(_CHEAPEST, max_cost + 1), counts, least=_LEAST):
        measured.append(each)
        if not as_json:
            rates = [f"{each.rates[n]:,.1f}/s" for n in counts]
            click.echo(_line(str(each.cost), f"{each.seconds * 1000:,.1f} ms", rates))
    choice = choose(measured, target / 1000)
    if as_json:
        print_json(_as_json(measured, choice, target, counts))
    else:
        _show(choice, target, counts[-1])


def thread_counts(cores: int) -> list[int]:
    """Return the numbers of threads to try: one, twice as many each time, and one per core."""
    return [*(2**power for power in range(cores.bit_length()) if 2**power < cores), cores]


def measure(costs: Sequence[int], counts: Sequence[int], *, least: float) -> Iterator[Measurement]:
    """Give one measurement after the other; a cost takes ``least`` seconds, or one round, with each number of threads.

    Args:
        costs: The costs to try.
        counts: The numbers of threads to try; the first is one.
        least: Seconds.
    """
    for cost in costs:
        rates = {number: _rate(cost, number, least) for number in counts}
        yield Measurement(cost, 1 / rates[1], rates)


def choose(measured: Sequence[Measurement], target: float) -> Choice:
    """Return the highest safe cost that keeps to the target; where none does, the least that is safe.

    Args:
        measured: From the lowest cost to the highest.
        target: Seconds for one sign-in.
    """
    safe = [each for each in measured if each.cost >= _LEAST_SAFE]
    quick = [each for each in safe if each.seconds <= target]
    chosen = quick[-1] if quick else safe[0]
    return Choice(chosen, slow=not quick, open_ended=chosen is measured[-1] and bool(quick))


def _rate(cost: int, threads: int, least: float) -> float:
    hash_one = BcryptHasher(cost).hash
    made = 0
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        while made == 0 or time.perf_counter() - started < least:
            made += len(list(pool.map(hash_one, [_PASSWORD] * threads)))
        return made / (time.perf_counter() - started)


def _line(cost: str, alone: str, rates: Sequence[str]) -> str:
    return f"{cost:>4}  {alone:>12}" + "".join(f"  {rate:>10}" for rate in rates)


def _show(choice: Choice, target: int, threads: int) -> None:
    each = choice.measured
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    click.echo(
        f"\n{bold(f'Choose cost {each.cost}')}: a sign-in takes {each.seconds * 1000:,.0f} ms, and {on} allow "
        f"{each.rates[threads]:,.1f} sign-ins a second."
    )
    if choice.slow:
        note(f"That is more than {target} ms, but no lower cost is safe: what is stolen would be guessed quickly.")
    if choice.open_ended:
        note(f"A higher cost may keep to {target} ms too: try --max-cost {each.cost + 1}.")
    default = PasswordSettings().bcrypt_cost
    said = f"Say so with FastAuth(..., passwords=PasswordSettings(bcrypt_cost={each.cost})); the default is {default}."
    click.echo("It is the default." if each.cost == default else said)


def _as_json(measured: Sequence[Measurement], choice: Choice, target: int, counts: Sequence[int]) -> dict[str, object]:
    return {
        "target_ms": target,
        "threads": counts[-1],
        "costs": [_numbers(each) for each in measured],
        "choice": {**_numbers(choice.measured), "within_target": not choice.slow},
    }


def _numbers(each: Measurement) -> dict[str, object]:
    rates = {str(number): round(rate, 2) for number, rate in each.rates.items()}
    return {"cost": each.cost, "ms": round(each.seconds * 1000, 2), "per_second": rates}
