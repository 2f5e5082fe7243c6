"""A shelf: one backend per module; nothing in the house imports them, the app does."""
