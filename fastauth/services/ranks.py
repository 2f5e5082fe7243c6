"""Who may act on whom: an administrator on those below, a superadmin on everyone."""

from collections.abc import Collection
from typing import Any

from fastauth.core.exceptions import PermissionDeniedException
from fastauth.core.models import ADMIN, SUPERADMIN, Account


def beyond_reach(by: Account[Any] | None) -> Collection[str]:
    """Return the roles whose holders ``by`` may not act on; for a verb's ``unless_holding``.

    Args:
        by: Who acts; None is the system, as in a script, and may do everything.

    Raises:
        PermissionDeniedException: They are no administrator.
    """
    if by is None or SUPERADMIN in by.roles:
        return ()
    if ADMIN not in by.roles:
        raise PermissionDeniedException(required=[ADMIN])
    return (SUPERADMIN, ADMIN)


def check_may_grant(by: Account[Any] | None, role_names: Collection[str]) -> None:
    """Refuse to let ``by`` give or take one of these roles, whoever holds it.

    Raises:
        PermissionDeniedException: They are no administrator, or one of the roles is above them.
    """
    if beyond_reach(by) and SUPERADMIN in {name.lower() for name in role_names}:
        raise PermissionDeniedException("Only a superadmin grants or takes this role.", required=[SUPERADMIN])
