"""``fastauth bench-hash``: the choice is judged on made-up numbers, the measuring on what it measured, not how fast."""

import json

import pytest

from fastauth.cli import hashing as module
from fastauth.cli.hashing import Measurement, choose, measure, thread_counts
from tests.cli.conftest import Run


def machine(first: float) -> list[Measurement]:
    """A machine on which cost 4 takes so many milliseconds."""
    seconds = {cost: first / 1000 * 2 ** (cost - 4) for cost in range(4, 15)}
    return [Measurement(cost, each, {1: 1 / each, 2: 2 / each}) for cost, each in seconds.items()]


@pytest.mark.parametrize(
    ("first", "target", "cost", "slow", "open_ended"),
    [
        (1, 0.25, 11, False, False),
        (0.9, 0.25, 12, False, False),
        (1, 0.256, 12, False, False),
        (8, 0.25, 10, True, False),
        (1, 0.001, 10, True, False),
        (0.1, 0.25, 14, False, True),
        (100, 1000, 14, False, True),
    ],
)
def test_the_choice(first: float, target: float, cost: int, slow: bool, open_ended: bool) -> None:
    """The highest cost within the target is chosen, and never one that production would refuse."""
    choice = choose(machine(first), target)

    assert (choice.measured.cost, choice.slow, choice.open_ended) == (cost, slow, open_ended)


@pytest.mark.parametrize(
    ("cores", "counts"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8, 12])]
)
def test_the_numbers_of_threads(cores: int, counts: list[int]) -> None:
    """From one thread to one per core, with few steps between."""
    assert thread_counts(cores) == counts


def test_what_is_measured() -> None:
    """Each cost is measured with each number of threads, at least once, and one hash is the one thread's share."""
    measured = list(measure([4, 5], [1, 2, 3], least=0))

    assert [each.cost for each in measured] == [4, 5]
    for each in measured:
        assert list(each.rates) == [1, 2, 3]
        assert all(rate > 0 for rate in each.rates.values())
        assert each.seconds == pytest.approx(1 / each.rates[1])


def test_for_people_and_for_scripts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with a line for each cost and a choice below it; the same as JSON."""
    monkeypatch.setattr(module, "_LEAST", 0.001)

    shown = run("bench-hash", "--max-cost", "10", "--target", "100000")
    lines = shown.stdout.splitlines()
    answer = json.loads(run("bench-hash", "--max-cost", "10", "--target", "1", "--json").stdout)

    assert [line.split()[0] for line in lines[:8]] == ["COST", "4", "5", "6", "7", "8", "9", "10"]
    assert "Choose cost 10: a sign-in takes " in shown.stdout
    assert "PasswordSettings(bcrypt_cost=10)); the default is 12." in shown.stdout
    assert "try --max-cost 11" in shown.stderr
    assert [each["cost"] for each in answer["costs"]] == list(range(4, 11))
    assert answer["choice"]["cost"] == 10
    assert set(answer["choice"]["per_second"]) >= {"1"}
    assert isinstance(answer["choice"]["within_target"], bool)


@pytest.mark.parametrize(
    ("choice", "on_stdout", "on_stderr"),
    [
        (choose(machine(0.9), 0.25), "It is the default.", ""),
        (
            choose(machine(8), 0.25),
            "Choose cost 10: a sign-in takes 512 ms, and 2 threads allow 3.9 sign-ins",
            "no lower",
        ),
    ],
)
def test_the_sentence(
    choice: module.Choice, on_stdout: str, on_stderr: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to choose is said with what it takes and allows, and where the target is out of reach, why."""
    module._show(choice, 250, 2)

    out, err = capsys.readouterr()
    assert on_stdout in out
    assert on_stderr in err
