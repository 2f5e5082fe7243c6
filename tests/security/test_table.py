"""Every requirement is shown by a test or has its reason, and docs/security.md says which."""

from tests.security.out_of_scope import OUT_OF_SCOPE
from tests.security.rows import ROWS, STILL_MISSING
from tests.security.table import PAGE, missing, page_with_table, promises


def test_the_page_is_true() -> None:
    """The table of docs/security.md is what the tests say; ``python -m tests.security.table --write`` writes it."""
    page = PAGE.read_text("utf-8")

    assert page_with_table(page) == page


def test_no_row_is_forgotten() -> None:
    """Each row has a test or a reason, but for those that are listed as missing."""
    assert missing() <= STILL_MISSING


def test_every_id_is_a_rows() -> None:
    """No test and no reason names a row that is not there, and every test of a row makes a promise."""
    kept = promises()

    assert kept.keys() | OUT_OF_SCOPE.keys() | STILL_MISSING <= ROWS.keys()
    assert all(promise.endswith(".") for each in kept.values() for promise in each)
