"""``python -m tests.completeness``: the type of every public name is known, as ``pyright --verifytypes`` sees it.

It is, down to the last parameter. One exception is not ours to mend: the metaclass of
a Beanie document, which its library takes from one of two modules, as Pydantic's version says at run time.
"""

import json
import subprocess
import sys
from typing import Any

VERIFY = ["pyright", "--verifytypes", "fastauth", "--ignoreexternal", "--outputjson"]
FOREIGN = {
    ("fastauth.backends.mongo.models.User", "Type of metaclass unknown"),
    ("fastauth.backends.mongo.User", "not known"),  # the same, where it is exported
}


def faults_of(report: dict[str, Any]) -> list[str]:
    """Return a line for each public name whose type is not known."""
    return [
        f"{symbol['name']}: {each['message'].splitlines()[0]}"
        for symbol in report["typeCompleteness"]["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"]
        for each in symbol["diagnostics"] or [{"message": "not known"}]
        if (symbol["name"], each["message"].strip()) not in FOREIGN
    ]


if __name__ == "__main__":
    found = json.loads(subprocess.run(VERIFY, capture_output=True, text=True, check=False).stdout)
    counts = found["typeCompleteness"]["exportedSymbolCounts"]
    sys.stdout.write(f"{counts['withKnownType']} of {sum(counts.values())} public names have a known type\n")
    sys.exit("\n".join(faults_of(found)) or None)
