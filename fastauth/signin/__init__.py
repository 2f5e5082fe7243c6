"""A shelf: ways to prove who you are, one module each; see :class:`fastauth.core.protocols.SignInMethod`."""
