"""A shelf: how a store is opened from a URL and looked into; one module per backend, imported when it is chosen."""
