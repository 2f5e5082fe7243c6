"""A suite that passes everything proves nothing: this one fails every store that is broken, and no correct one."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

from tests.testing_conformance.stores import BROKEN, CORRECT

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The tests of the suite that failed, by the name of the store's class."""
    report = tmp_path_factory.mktemp("conformance") / "report.xml"
    suite = Path(__file__).with_name("suite.py")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", str(suite), "-q", "--tb=no", "-p", "no:cacheprovider", f"--junitxml={report}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout
    failed = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):
        name = case.attrib["classname"].rpartition(".Test")[2]
        failed[name] |= {case.attrib["name"].partition("[")[0]} if len(case) else set()
    return dict(failed)


@pytest.mark.parametrize("store_class", CORRECT, ids=lambda store_class: store_class.__name__)
def test_a_correct_store_passes(failures: dict[str, set[str]], store_class: type) -> None:
    """A correct store passes every test of the suite."""
    assert failures[store_class.__name__] == set()


@pytest.mark.parametrize("store_class", BROKEN, ids=lambda store_class: store_class.__name__)
def test_a_broken_store_fails(failures: dict[str, set[str]], store_class: type) -> None:
    """A store that is wrong in one way fails the suite."""
    assert failures[store_class.__name__] != set()


@pytest.mark.parametrize(
    ("store", "test"),
    [
        ("WithoutLock", "test_a_name_is_given_once"),
        ("WithoutLock", "test_a_generation_rotates_once"),
        ("WithoutLock", "test_one_superadmin_remains"),
        ("ChecksThenInserts", "test_a_name_is_given_once"),
        ("ChecksThenInserts", "test_an_address_is_given_once"),
        ("RotatesTwice", "test_a_generation_rotates_once"),
        ("CountsThenDemotes", "test_one_superadmin_remains"),
        ("SignsInTheDisabled", "test_no_session_slips_past_a_change"),
        ("FoldsCase", "test_a_look_alike_finds_nobody"),
        ("ForgetsTheZone", "test_a_session_is_kept_as_it_was_given"),
        ("StoresHalf", "test_a_missing_role_stores_no_user"),
        ("TripsOverIds", "test_a_strange_user_id_is_not_found"),
        ("KeepsNoSuperadmin", "test_the_last_superadmin_is_not_deleted"),
        ("GuardsTooMuch", "test_one_of_two_superadmins_may_go"),
        ("RevivesSessions", "test_disabling_ends_every_session"),
    ],
)
def test_a_fault_is_named_by_its_promise(failures: dict[str, set[str]], store: str, test: str) -> None:
    """The promise that a broken store breaks is among the tests that fail on it."""
    assert test in failures[store]
