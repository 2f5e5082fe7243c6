"""The rows of the security requirements that are not ours to keep, each with its reason."""

OUT_OF_SCOPE: dict[str, str] = {}
