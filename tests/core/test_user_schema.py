"""What a backend says of the app's user class means one thing only."""

from typing import Any

import pytest

from fastauth import ConfigurationError
from fastauth.core.user_schema import RESERVED_FIELDS, UserField, UserSchema


@pytest.mark.parametrize("name", sorted(RESERVED_FIELDS))
@pytest.mark.parametrize("kind", ["public", "writable"])
def test_no_field_of_an_app_has_a_name_of_ours(kind: str, name: str) -> None:
    """Whichever store reads it off a class: what JSON calls so is ours, and the refusal says what to do."""
    fields: dict[str, Any] = {kind: (UserField("city", str), UserField(name, str))}

    with pytest.raises(ConfigurationError) as refused:
        UserSchema("Member", int, **fields)
    assert f"{kind}_fields: Member.{name} cannot be named here" in refused.value.message
    assert "Call the attribute something else" in refused.value.message
