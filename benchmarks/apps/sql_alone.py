"""The app of ours as ``pip install fastauth[sql]`` has it: without cryptography, which a secret does not need."""

import sys
from typing import Any, cast

cast("dict[str, Any]", sys.modules)["cryptography"] = None  # as if it were not installed

from benchmarks.apps.sql import app  # noqa: E402

__all__ = ["app"]
