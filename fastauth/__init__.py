"""FastAuth: authentication and authorization for FastAPI, async to the last call, on the storage you already run.

This is the table of contents, and a name's module is imported when the name is first asked for: who verifies the tokens
of another service, or catches an exception, does not load the routes. Stores are imported from where they are, as
``fastauth.backends.sql``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastauth.auth import FastAuth as FastAuth
    from fastauth.core.clock import Clock as Clock
    from fastauth.core.exceptions import AuthenticationException as AuthenticationException
    from fastauth.core.exceptions import AuthorizationException as AuthorizationException
    from fastauth.core.exceptions import BadRequestException as BadRequestException
    from fastauth.core.exceptions import ConfigurationError as ConfigurationError
    from fastauth.core.exceptions import ConflictException as ConflictException
    from fastauth.core.exceptions import CredentialsException as CredentialsException
    from fastauth.core.exceptions import CSRFException as CSRFException
    from fastauth.core.exceptions import EmailNotVerifiedException as EmailNotVerifiedException
    from fastauth.core.exceptions import FastAuthException as FastAuthException
    from fastauth.core.exceptions import InactiveUserException as InactiveUserException
    from fastauth.core.exceptions import KeysUnavailableException as KeysUnavailableException
    from fastauth.core.exceptions import NotFoundException as NotFoundException
    from fastauth.core.exceptions import OverloadedException as OverloadedException
    from fastauth.core.exceptions import PermissionDeniedException as PermissionDeniedException
    from fastauth.core.exceptions import ProtectedRoleException as ProtectedRoleException
    from fastauth.core.exceptions import RateLimitedException as RateLimitedException
    from fastauth.core.exceptions import RefreshTokenException as RefreshTokenException
    from fastauth.core.exceptions import RoleExistsException as RoleExistsException
    from fastauth.core.exceptions import RoleNotFoundException as RoleNotFoundException
    from fastauth.core.exceptions import SessionNotFoundException as SessionNotFoundException
    from fastauth.core.exceptions import StoreUnavailableException as StoreUnavailableException
    from fastauth.core.exceptions import TokenException as TokenException
    from fastauth.core.exceptions import TooLargeException as TooLargeException
    from fastauth.core.exceptions import UnavailableException as UnavailableException
    from fastauth.core.exceptions import UserExistsException as UserExistsException
    from fastauth.core.exceptions import UserNotFoundException as UserNotFoundException
    from fastauth.core.exceptions import ValidationException as ValidationException
    from fastauth.core.exceptions import WeakPasswordException as WeakPasswordException
    from fastauth.core.keys import Key as Key
    from fastauth.core.models import STANDARD_ROLES as STANDARD_ROLES
    from fastauth.core.models import Account as Account
    from fastauth.core.models import AuditRecord as AuditRecord
    from fastauth.core.models import Claims as Claims
    from fastauth.core.models import Role as Role
    from fastauth.core.models import Session as Session
    from fastauth.core.models import TokenPair as TokenPair
    from fastauth.core.names import RESERVED_USERNAMES as RESERVED_USERNAMES
    from fastauth.core.notifications import Notification as Notification
    from fastauth.core.notifications import NotificationKind as NotificationKind
    from fastauth.core.protocols import AuditStore as AuditStore
    from fastauth.core.protocols import Commit as Commit
    from fastauth.core.protocols import ExternalSigner as ExternalSigner
    from fastauth.core.protocols import Notifier as Notifier
    from fastauth.core.protocols import PasswordHasher as PasswordHasher
    from fastauth.core.protocols import RoleStore as RoleStore
    from fastauth.core.protocols import SignInMethod as SignInMethod
    from fastauth.core.protocols import Store as Store
    from fastauth.core.protocols import TokenStore as TokenStore
    from fastauth.core.protocols import UserStore as UserStore
    from fastauth.core.settings import AuditSettings as AuditSettings
    from fastauth.core.settings import CookieSettings as CookieSettings
    from fastauth.core.settings import LimitSettings as LimitSettings
    from fastauth.core.settings import LinkSettings as LinkSettings
    from fastauth.core.settings import PasswordSettings as PasswordSettings
    from fastauth.core.settings import TokenSettings as TokenSettings
    from fastauth.core.telemetry import Telemetry as Telemetry
    from fastauth.services.accounts import Accounts as Accounts
    from fastauth.services.health import Health as Health
    from fastauth.services.health import HealthCheck as HealthCheck
    from fastauth.services.roles import Roles as Roles
    from fastauth.services.sessions import Sessions as Sessions
    from fastauth.web.token_verifier import TokenVerifier as TokenVerifier
else:  # out of the type checkers' sight: to them, a module with a ``__getattr__`` has every name there is
    from importlib import import_module

    _CONTENTS = {
        "auth": ["FastAuth"],
        "core.clock": ["Clock"],
        "core.exceptions": [
            "AuthenticationException",
            "AuthorizationException",
            "BadRequestException",
            "ConfigurationError",
            "ConflictException",
            "CredentialsException",
            "CSRFException",
            "EmailNotVerifiedException",
            "FastAuthException",
            "InactiveUserException",
            "KeysUnavailableException",
            "NotFoundException",
            "OverloadedException",
            "PermissionDeniedException",
            "ProtectedRoleException",
            "RateLimitedException",
            "RefreshTokenException",
            "RoleExistsException",
            "RoleNotFoundException",
            "SessionNotFoundException",
            "StoreUnavailableException",
            "TokenException",
            "TooLargeException",
            "UnavailableException",
            "UserExistsException",
            "UserNotFoundException",
            "ValidationException",
            "WeakPasswordException",
        ],
        "core.keys": ["Key"],
        "core.models": ["STANDARD_ROLES", "Account", "AuditRecord", "Claims", "Role", "Session", "TokenPair"],
        "core.names": ["RESERVED_USERNAMES"],
        "core.notifications": ["Notification", "NotificationKind"],
        "core.protocols": [
            "AuditStore",
            "Commit",
            "ExternalSigner",
            "Notifier",
            "PasswordHasher",
            "RoleStore",
            "SignInMethod",
            "Store",
            "TokenStore",
            "UserStore",
        ],
        "core.settings": [
            "AuditSettings",
            "CookieSettings",
            "LimitSettings",
            "LinkSettings",
            "PasswordSettings",
            "TokenSettings",
        ],
        "core.telemetry": ["Telemetry"],
        "services.accounts": ["Accounts"],
        "services.health": ["Health", "HealthCheck"],
        "services.roles": ["Roles"],
        "services.sessions": ["Sessions"],
        "web.token_verifier": ["TokenVerifier"],
    }
    _HOMES = {name: module for module, names in _CONTENTS.items() for name in names}
    __all__ = list(_HOMES)

    def __getattr__(name: str) -> object:
        """Return what the package calls so (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})
