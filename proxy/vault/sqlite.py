"""The one place that knows the vault's database is SQLite: its file, pragmas and transactions."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import QueuePool

from config.errors import ConflictError, KeyhatchError
from config.files import O_PRIVATE, sync_folder
from config.home import FILE_MODE
from proxy.vault.faults import DATABASE_FAULTS, explain_fault, require_file

BUSY_TIMEOUT: Final = 10.0  # seconds; a writer holds the vault for milliseconds
_WRITING: Final = "keyhatch_writing"
_SUFFIXES: Final = ("", "-wal", "-shm", "-journal")


def open_engine(path: Path) -> Engine:
    """Return an engine over an existing database file; it connects when first used."""
    require_file(path)
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _connect(path),
        poolclass=QueuePool,
        pool_size=4,
        hide_parameters=True,  # an error that is logged shows no digest and no sealed bytes
    )
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def transaction(engine: Engine, path: Path, *, writing: bool) -> Iterator[Connection]:
    """Give one snapshot to read, or the one place to write; commits when the block succeeds.

    Raises VaultDamagedError, VaultBusyError or KeyhatchError for what SQLite refuses.
    """
    options = {_WRITING: writing}
    try:
        with engine.connect() as plain, plain.execution_options(**options).begin() as begun:
            yield begun.connection
    except exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise explain_fault(error.orig, path) from error
        raise
    except DATABASE_FAULTS as error:
        raise explain_fault(error, path) from error


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a path to build a database at, which takes its final name when the block succeeds.

    Whoever is killed in between leaves no vault, and nothing that the next attempt trips over.
    The caller holds a lock that keeps others from building at the same time.
    """
    draft = path.with_name(f".{path.name}.new")
    _refuse_orphans(path)
    _remove(draft)
    try:
        # Created by us, so that the mode is right before SQLite writes; -wal and -shm inherit it.
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | O_PRIVATE, FILE_MODE))
        draft.chmod(FILE_MODE)
        _prepare(draft)
        yield draft
        draft.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise KeyhatchError(f"cannot write {path}: {error.strerror}") from error
    finally:
        _remove(draft)


def forget_old_pages(engine: Engine) -> None:
    """Empty the write-ahead log, which still holds what was deleted or sealed under an old key.

    A reader may be in the way: then the next checkpoint does it.
    """
    raw = engine.raw_connection()  # a checkpoint does not run inside a transaction
    try:
        with suppress(sqlite3.Error):
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        raw.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        # mode=rw: a vault that has gone away is an error, not a reason to make an empty one.
        path.absolute().as_uri() + "?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,  # transactions begin where _begin says
        check_same_thread=False,  # the pool gives a connection to one thread at a time
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")  # a commit survives a power loss
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    # A writer that began as a reader could not see what was committed in between.
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _prepare(path: Path) -> None:
    connection = _connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")  # stays with the file
    finally:
        connection.close()


def _refuse_orphans(path: Path) -> None:
    """SQLite would play a log that is left of an older database into the new one."""
    for suffix in _SUFFIXES:
        if os.path.lexists(left := path.with_name(path.name + suffix)):
            raise ConflictError(f"{left} exists already", hint=f"move {left.name} away first")


def _remove(draft: Path) -> None:
    for suffix in _SUFFIXES:
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)
