"""What looks alike: skeletons of names after UTS #39, and whether a name mixes scripts."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

# UTS #39, 5.2, "highly restrictive": one script, or Latin beside what East Asian languages are written in.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)


def skeleton(text: str) -> str:
    """Return what two texts have in common when one can be taken for the other (UTS #39, 4).

    ``admin`` has the skeleton of the same word with a Cyrillic first letter, and ``rn`` has that of ``m``. A skeleton
    is for comparing, and for nothing else.
    """
    look = _prototypes()
    return unicodedata.normalize("NFD", "".join(look.get(each, each) for each in unicodedata.normalize("NFD", text)))


def mixes_scripts(text: str) -> bool:
    """Say whether the letters of a text are of scripts that are not written together (UTS #39, 5.2)."""
    if text.isascii():
        return False
    scripts = {_script(each) for each in text if unicodedata.category(each) in {"Ll", "Lo"}}
    return len(scripts) > 1 and not any(scripts <= each for each in _TOGETHER)


def _script(letter: str) -> str:
    # The name of a letter begins with its script. Python knows no other property that says it.
    return unicodedata.name(letter, "").partition(" ")[0]


@lru_cache(maxsize=1)
def _prototypes() -> Mapping[str, str]:
    text = (resources.files("fastauth.core") / "data" / "confusables.txt").read_text("utf-8")
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("# "))
    return {each: look for look, several in lines for each in several}
