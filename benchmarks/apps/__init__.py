"""Apps of ours as a reader of the README writes them, with the library's defaults."""
