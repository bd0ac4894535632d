"""A PostgreSQL server for tests: Debian's own, installed where it is missing and we may."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.sql import tables
from tests.debian import find_or_install

_USER = "ledger"
_CREATE = sql.SQL("CREATE DATABASE {name} TEMPLATE {template}")
_END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_STARTS = 3  # somebody may take the port between finding it free and using it
_START_TIMEOUT_S = 60.0


class PostgresServer:
    """A server that runs. Everybody on this machine may log in; nothing in it outlives the tests."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self._numbers = itertools.count(1)
        self._template: str | None = None
        self._free: list[str] = []

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, *, template: str = "template0") -> str:
        """The URL of a new database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(_CREATE.format(name=sql.Identifier(name), template=sql.Identifier(template)))
        return self.url(name)

    def create_ledger(self) -> str:
        """The URL of a new database that has the tables of a ledger, and nothing in them."""
        if self._template is None:
            self._template = self.create_database()
            open_store(self._template).close()
        return self.create_database(template=self._template.rpartition("/")[2])

    @contextmanager
    def lend_ledger(self) -> Iterator[str]:
        """As `create_ledger`, for whoever leaves its tables as they are: it is emptied, and lent again."""
        url = self._free.pop() if self._free else self.create_ledger()
        yield url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_END_SESSIONS)
            connection.execute("SET session_replication_role = replica")  # else triggers refuse
            for table in tables.metadata.tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        self._free.append(url)


def end_sessions(url: str) -> None:
    """What a server does to everybody who uses a database when it stops."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_END_SESSIONS)


@contextmanager
def run_postgres() -> Iterator[PostgresServer]:
    """A server for the length of a block; skips the test where the platform has none."""
    programs = find_or_install(_which, "postgresql", name="PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="orchestra-postgres-"))
    try:
        server = _start(programs, folder)
        try:
            yield server
        finally:
            server.process.send_signal(signal.SIGQUIT)  # at once: what it has is thrown away
            server.process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _which() -> Path | None:
    """The folder with initdb and postgres."""
    known = [Path(path).parent for name in ("initdb",) if (path := shutil.which(name))]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next(
        (path for path in (*known, *debian) if (path / "initdb").exists() and (path / "postgres").exists()), None
    )


def _start(programs: Path, folder: Path) -> PostgresServer:
    user = _unprivileged()
    if user is not None:
        os.chown(folder, user, -1)
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
        cwd=folder,
    )
    for _ in range(_STARTS):
        port = _free_port()
        options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": 60}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*_with_us(), programs / "postgres", "-D", data, *settings],
                stdout=log,
                stderr=log,
                user=user,
                cwd=folder,
            )
        server = PostgresServer(process, port)
        if _answers(server):
            return server
    pytest.fail(f"PostgreSQL does not start: {(folder / 'log').read_text('utf-8', 'replace')[-2000:]}")


def _answers(server: PostgresServer) -> bool:
    limit = time.monotonic() + _START_TIMEOUT_S
    while server.process.poll() is None and time.monotonic() < limit:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    server.process.kill()
    server.process.wait()
    return False


def _unprivileged() -> int | None:
    """Who runs it: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("the platform has no user that PostgreSQL could run as")


def _with_us() -> list[str]:
    # Where the tests are killed, nobody would stop the server.
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "QUIT", "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
