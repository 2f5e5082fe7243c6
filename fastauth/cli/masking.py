"""Takes passwords out of URLs, wherever in a text they stand."""

import re

USER_INFO = re.compile(r"(?<=://)(?P<user>[^:@/\s]*):(?P<secret>[^\s'\"]*)(?=@)")
PARAMETER = re.compile(
    r"(?<=[?&])(?P<name>[^=&\s]*(?:pass|pwd|secret|token|key)[^=&\s]*)=(?P<secret>[^&\s'\"]*)", re.IGNORECASE
)


def mask(text: str) -> str:
    """Return the text with the passwords of its URLs, and the values of parameters that sound secret, as ``***``."""
    hidden = USER_INFO.sub(lambda match: f"{match['user']}:***", text)
    return PARAMETER.sub(lambda match: f"{match['name']}=***", hidden)
