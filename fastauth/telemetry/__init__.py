"""A shelf: monitors that are told what goes on inside, one module each, each behind an extra."""
