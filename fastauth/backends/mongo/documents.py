"""Beanie and the app's document class: when it is initialised, and by whom.

Ours are plain collections: their verbs need compare-and-swap, and Beanie's own write whole documents. Beanie makes
the app's object of what is read, and what is stored of the object, so that aliases, encoders, validators and hooks
have their say. For that it has to know the class. An app that calls ``init_beanie`` itself names its user class there
(or our ``User``), as any of its own; otherwise it happens at the store's first use.
"""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from beanie import Document, init_beanie  # pyright: ignore[reportUnknownVariableType]

# The settings that Beanie made on our behalf; while a class still has them, the app has not initialised it itself.
_initialised_by_us: WeakKeyDictionary[type[Document], object] = WeakKeyDictionary()


class Binding:
    """Makes Beanie know a class, once, when the first verb needs it.

    Args:
        model: The class.
        database: Where its own queries go, unless the app says otherwise.
    """

    def __init__(self, model: type[Document], database: Any) -> None:
        self._model = model
        self._database = database
        self._bound = False
        self._lock = asyncio.Lock()

    async def bind(self, *, with_indexes: bool) -> None:
        """Initialise the class, unless the app has done so.

        Args:
            with_indexes: Make the indexes that the class declares, too.
        """
        async with self._lock:
            if self._bound and not with_indexes:
                return
            settings = _settings_of(self._model)
            # What the app bound stays bound. What we bound to another store's database, whose client may be closed by
            # now, is bound anew, so that the app's queries go where its latest store is.
            if settings is None or settings is _initialised_by_us.get(self._model):
                try:
                    await init_beanie(
                        database=self._database, document_models=[self._model], skip_indexes=not with_indexes
                    )
                finally:  # half done, when it was interrupted, is ours to begin again
                    _initialised_by_us[self._model] = _settings_of(self._model)
            self._bound = True


def _settings_of(model: type[Document]) -> object | None:
    # Of the class itself: a subclass that was never initialised would show its parent's.
    settings: object | None = vars(model).get("_document_settings")
    return settings
