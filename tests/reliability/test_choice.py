"""What of the scenarios is run is what was named, and a name that nothing has is said at once."""

import asyncio

import pytest

from tests.reliability import __main__ as suite


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "RL-8,RL-99"], "there is no scenario RL-99"),
        (["--store", "sqlite,oracle"], "there is no store oracle"),
    ],
)
def test_a_name_that_nothing_has_is_refused(
    options: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scenario or a store that does not exist ends the run before it begins, and is named."""
    monkeypatch.setattr("sys.argv", ["reliability", *options])

    with pytest.raises(SystemExit) as ended:
        suite.read_arguments()

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_scenario_on_a_store_for_which_it_is_not_made_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing is left to run, the run says so and fails."""
    monkeypatch.setattr("sys.argv", ["reliability", "--only", "RL-13", "--store", "sqlite"])

    assert asyncio.run(suite.run(suite.read_arguments())) == 2
    assert "None of these scenarios" in capsys.readouterr().err


def test_the_list_has_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``--list`` says each scenario on each of its stores that would be run, and runs none."""
    monkeypatch.setattr("sys.argv", ["reliability", "--list", "--only", "RL-13", "--store", "postgres"])

    assert asyncio.run(suite.run(suite.read_arguments())) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["RL-13", "postgres"]]
