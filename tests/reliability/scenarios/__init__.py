"""The scenarios, one theme per module; a new module is found by itself."""
