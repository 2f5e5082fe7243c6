"""The documentation's own checks."""
