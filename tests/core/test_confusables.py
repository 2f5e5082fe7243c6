"""What looks alike: skeletons, and scripts that are not written together."""

import pytest

from fastauth.core.confusables import mixes_scripts, skeleton
from fastauth.core.identity import canonical_username


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("admin", "\u0430dmin", True),
        ("admin", "adm\u0456n", True),
        ("admin", "adrnin", True),
        ("superadmin", "superadm\u0131n", True),
        ("root", "r\u043e\u043et", True),
        ("paypal", "\u0440\u0430\u0443\u0440\u0430l", True),
        ("l", "1", True),
        ("scope", "\u0455\u0441\u043e\u0440\u0435", True),
        ("ada", "adä", False),
        ("ada", "eda", False),
        ("\u0436\u0443\u043a", "zuk", False),
    ],
)
def test_a_skeleton_is_what_look_alikes_share(one: str, other: str, alike: bool) -> None:
    """Two names have one skeleton exactly when one can be taken for the other."""
    assert (skeleton(one) == skeleton(other)) is alike
    assert skeleton(skeleton(one)) == skeleton(one)


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        ("ada.lovelace-1815", False),
        ("jos\u00e9", False),
        ("\u0436\u0443\u043a42", False),
        ("\u03b1\u03b2\u03b3", False),
        ("山田太郎", False),
        ("やまだ山田ヤマダtaro", False),
        ("김kim金", False),
        ("ㄅ注音bo", False),
        ("\u0430dmin", True),
        ("\u03b1lpha", True),
        ("\u0436\u03b1\u03b2", True),
        ("김やま", True),
        ("山\u0436\u0443\u043a", True),
    ],
)
def test_scripts_are_told_apart(name: str, mixed: bool) -> None:
    """One script, or Latin beside those of one East Asian language, is a name; any other mix is not."""
    assert canonical_username(name) == name
    assert mixes_scripts(name) is mixed
