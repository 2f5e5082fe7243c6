"""What hooks are told of; see :meth:`fastauth.FastAuth.on` and :meth:`fastauth.FastAuth.before`."""

from fastauth.core.events import AccountEvent as AccountEvent
from fastauth.core.events import EmailChanged as EmailChanged
from fastauth.core.events import EmailChangeRequested as EmailChangeRequested
from fastauth.core.events import EmailVerified as EmailVerified
from fastauth.core.events import Event as Event
from fastauth.core.events import PasswordChanged as PasswordChanged
from fastauth.core.events import PasswordRefused as PasswordRefused
from fastauth.core.events import PasswordResetRequested as PasswordResetRequested
from fastauth.core.events import RefreshTokenReused as RefreshTokenReused
from fastauth.core.events import RoleCreated as RoleCreated
from fastauth.core.events import RoleDeleted as RoleDeleted
from fastauth.core.events import RoleEvent as RoleEvent
from fastauth.core.events import RoleGranted as RoleGranted
from fastauth.core.events import RoleRevoked as RoleRevoked
from fastauth.core.events import RoleUpdated as RoleUpdated
from fastauth.core.events import SessionEvent as SessionEvent
from fastauth.core.events import SessionRevoked as SessionRevoked
from fastauth.core.events import SignedIn as SignedIn
from fastauth.core.events import SignInFailed as SignInFailed
from fastauth.core.events import UserDeleted as UserDeleted
from fastauth.core.events import UserDisabled as UserDisabled
from fastauth.core.events import UserEnabled as UserEnabled
from fastauth.core.events import UserEvent as UserEvent
from fastauth.core.events import UserRegistered as UserRegistered
from fastauth.core.events import UserUpdated as UserUpdated
