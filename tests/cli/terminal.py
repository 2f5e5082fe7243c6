"""A real terminal for a test: ``fastauth`` on a pseudo-terminal, typed at and read from."""

import os
import pty
import select
import subprocess
import sys
import time


class Terminal:
    """A process on a pseudo-terminal of its own."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fastauth", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", **environment},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self.seen = ""
        self._read_to = 0

    def expect(self, text: str) -> None:
        """Read until this text was shown, after what was expected before."""
        while text not in self.seen[self._read_to :]:
            assert self._read(), f"{text!r} not in {self.seen[self._read_to :]!r}"
        self._read_to = self.seen.index(text, self._read_to) + len(text)

    def type(self, text: str) -> None:
        """Type this."""
        time.sleep(0.05)  # getpass discards what was typed before it had turned the echo off
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Read to the end, and return the exit status."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 60)
        try:
            read = os.read(self._ours, 4096) if ready else b""
        except OSError:  # how Linux says that the other end is closed
            read = b""
        self.seen += read.decode(errors="replace")
        return bool(read)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
