"""A shelf: ways to tell people what happened, one module each; see :class:`fastauth.core.protocols.Notifier`."""
