"""A shelf: where attempts are counted, one storage per module; the address of a storage says which."""

import importlib

from fastauth.core.clock import Clock
from fastauth.core.exceptions import ConfigurationError
from fastauth.services.limit_storages.base import LimitStorage
from fastauth.services.limit_storages.memory import MemoryLimitStorage


def open_storage(uri: str, *, clock: Clock) -> LimitStorage:
    """Return the storage at this address; nothing is connected yet.

    Args:
        uri: As in ``LimitSettings(storage=...)``, which has looked at its scheme.
        clock: The time of a storage that has none of its own.

    Raises:
        ConfigurationError: The driver is not installed, or the address cannot be read.
    """
    scheme = uri.partition("://")[0]
    if scheme == "memory":
        return MemoryLimitStorage(clock)
    name = "mongo" if scheme.startswith("mongodb") else "redis"  # also what the extra is called
    try:
        storage: LimitStorage = importlib.import_module(f"{__name__}.{name}").open_uri(uri)
    except ImportError as error:
        raise ConfigurationError(
            f"LimitSettings(storage='{scheme}://...') needs its driver: pip install 'fastauth[{name}]'"
        ) from error
    except Exception:  # noqa: BLE001  # a driver's message may repeat the address, and the password in it
        raise ConfigurationError(
            f"LimitSettings(storage='{scheme}://...') cannot be read: write it as the driver's documentation says."
        ) from None
    return storage
