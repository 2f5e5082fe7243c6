"""``python -m fastauth``: the same as the command ``fastauth``."""

from fastauth.cli import main

if __name__ == "__main__":
    main(prog_name="fastauth")
