"""What an error of SQLite means to a person; knows nothing of SQLAlchemy, which costs 0.2 s."""

import sqlite3
from pathlib import Path
from typing import Final

from config.errors import KeyhatchError, OperatorNeededError
from proxy.vault.errors import VaultBusyError, VaultDamagedError

RESTORE: Final = "restore vault.db from a backup, together with the key that belongs to it"
_PRIMARY: Final = 0xFF  # extended result codes keep the primary one in the low byte
_PAGE: Final = 512  # every SQLite file is a whole number of pages of at least this size


def require_file(path: Path) -> None:
    """Raise unless there is a vault file with something in it; opens nothing.

    Closing a second descriptor of a database file would drop the locks that SQLite holds on it
    in this process (sqlite.org/howtocorrupt, 2.2), so no code here reads the file by itself.
    """
    try:
        size = path.lstat().st_size
    except OSError as error:
        raise OperatorNeededError(
            f"there is no vault at {path}", hint="run `keyhatch init` first"
        ) from error
    if size == 0:
        raise VaultDamagedError(f"{path} is empty", hint=RESTORE)
    if size % _PAGE and not _has_log(path):
        # SQLite reads a part of a page as if the rest were zeros, and writes it back like that.
        raise VaultDamagedError(f"{path} is cut short", hint=RESTORE)


# sqlite3 raises the second for a damaged schema, whose text it decodes to report it.
DATABASE_FAULTS: Final = (sqlite3.Error, UnicodeDecodeError)


def explain_fault(error: Exception, path: Path) -> KeyhatchError:
    """Return the error to raise for one of DATABASE_FAULTS."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY:
        case sqlite3.SQLITE_NOTADB:
            return VaultDamagedError(f"{path} is not a vault: it is not a database", hint=RESTORE)
        case sqlite3.SQLITE_CORRUPT:
            return VaultDamagedError(f"{path} is damaged or cut short", hint=RESTORE)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return VaultBusyError(
                "another program is writing to the vault", hint="try again in a moment"
            )
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return KeyhatchError(
                f"the disk refuses to write {path}; nothing was changed",
                hint="look for a full disk or a file size limit",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return KeyhatchError(
                f"cannot open {path} for writing", hint="check the owner and mode of the folder"
            )
        case _:
            # "no such table", text that is no UTF-8, a schema that does not parse.
            return VaultDamagedError(f"{path} does not hold a vault", hint=RESTORE)


def _has_log(path: Path) -> bool:
    """Tell whether a log waits to be played in: it may hold the page that a crash left half done."""
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0
