"""FastAuth: authentication and authorization for FastAPI, async to the last call, on the storage you already run.

This is the table of contents. Stores are imported from where they are, as ``fastauth.backends.sql``.
"""

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
from fastauth.core.exceptions import NotFoundException as NotFoundException
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
from fastauth.core.exceptions import UserExistsException as UserExistsException
from fastauth.core.exceptions import UserNotFoundException as UserNotFoundException
from fastauth.core.exceptions import ValidationException as ValidationException
from fastauth.core.exceptions import WeakPasswordException as WeakPasswordException
from fastauth.core.keys import Key as Key
from fastauth.core.models import STANDARD_ROLES as STANDARD_ROLES
from fastauth.core.models import Account as Account
from fastauth.core.models import Claims as Claims
from fastauth.core.models import Role as Role
from fastauth.core.models import Session as Session
from fastauth.core.models import TokenPair as TokenPair
from fastauth.core.notifications import Notification as Notification
from fastauth.core.notifications import NotificationKind as NotificationKind
from fastauth.core.protocols import Notifier as Notifier
from fastauth.core.protocols import PasswordHasher as PasswordHasher
from fastauth.core.protocols import RoleStore as RoleStore
from fastauth.core.protocols import SignInMethod as SignInMethod
from fastauth.core.protocols import Store as Store
from fastauth.core.protocols import TokenStore as TokenStore
from fastauth.core.protocols import UserStore as UserStore
from fastauth.core.settings import CookieSettings as CookieSettings
from fastauth.core.settings import LimitSettings as LimitSettings
from fastauth.core.settings import PasswordSettings as PasswordSettings
from fastauth.core.settings import TokenSettings as TokenSettings
from fastauth.services.accounts import Accounts as Accounts
from fastauth.services.roles import Roles as Roles
from fastauth.services.sessions import Sessions as Sessions
