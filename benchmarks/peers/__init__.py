"""Released libraries of the same kind: how they are installed, and an app of each, as its own documentation shows."""
