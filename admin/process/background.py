"""The proxy that `keyhatch run` starts when none is running: in the background, for its leases."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from admin.context import Session
from admin.process.isolation import interpreter
from admin.terminal.prompts import ask_passphrase
from config.errors import (
    ConflictError,
    KeyhatchError,
    NotFoundError,
    OperatorNeededError,
    UsageError,
)
from config.files import open_private
from config.home import Home
from proxy.secret import Secret
from proxy.server.control_client import (
    LeaseHandle,
    SocketLease,
    open_lease,
    open_lease_socket,
)
from proxy.server.surroundings import without_ambient

IDLE: Final = 30.0  # seconds that such a proxy outlives its last command
START_LIMIT: Final = 30.0  # seconds for a proxy to come up, also on a busy machine
POLL: Final = 0.05
_ERRORS: Final = {
    kind.exit_code: kind for kind in (UsageError, ConflictError, NotFoundError, OperatorNeededError)
}


def require_lease(session: Session, agent: str | None, connectors: list[str] | None) -> LeaseHandle:
    """Return a lease of this home's proxy, starting one when none is running.

    Raises KeyhatchError with the reason when none can be had.
    """
    return _require(session, lambda: open_lease(session.home, agent, connectors))


def require_socket_lease(
    session: Session, agent: str | None, connectors: list[str] | None
) -> SocketLease:
    """Return a lease for a command behind the wall; like `require_lease` otherwise."""
    return _require(
        session, lambda: open_lease_socket(session.home, agent, connectors, sandbox=True)
    )


def _require[L](session: Session, open_one: Callable[[], L | None]) -> L:
    """Return what a running proxy gives, starting one when none is running."""
    home = session.home
    lease = open_one()
    if lease is not None:
        return lease
    passphrase = _passphrase(session)
    service = _start(session, passphrase)
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        lease = open_one()
        if lease is not None:
            return lease
        code = service.poll()
        if code == ConflictError.exit_code:
            # Another command has just started one, whose lease is as good; or one is ending.
            service = _start(session, passphrase)
        elif code is not None:
            raise _failure(home, code)
        session.wait(POLL)
    raise KeyhatchError("the proxy did not come up", hint=f"look at {_log_path(home)}")


def _start(session: Session, passphrase: Secret | None) -> subprocess.Popen[bytes]:
    arguments = ["serve", "--home", str(session.home.root), "--until-idle", str(IDLE)]
    reading = -1
    if passphrase is not None:
        reading, writing = os.pipe()
        os.write(writing, passphrase.reveal().encode())
        os.close(writing)
        arguments += ["--passphrase-fd", str(reading)]
    session.home.create()
    session.home.require_private()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    log = open_private(_log_path(session.home), flags)
    try:
        return subprocess.Popen(  # noqa: S603 - our own launcher
            [*interpreter(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd="/",
            env=_environment(session),
            pass_fds=() if reading < 0 else (reading,),
            start_new_session=True,
        )
    finally:
        os.close(log)
        if reading >= 0:
            os.close(reading)


def _passphrase(session: Session) -> Secret | None:
    from proxy.vault.keys.reference import KeySourceKind

    if session.inventory().key_source is not KeySourceKind.PASSPHRASE:
        return None
    return ask_passphrase(session.terminal)


def _environment(session: Session) -> dict[str, str]:
    """The service dials for itself, and is not bent by what the caller set for the command."""
    kept = without_ambient(session.environ)
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}


def _failure(home: Home, code: int) -> KeyhatchError:
    """The error that the service ended with, from the end of its log."""
    try:
        lines = _log_path(home).read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    found = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    kind = _ERRORS.get(code, KeyhatchError)
    message = found[-1] if found else "the proxy did not start"
    return kind(message, hint=hints[-1] if hints else f"look at {_log_path(home)}")


def _log_path(home: Home) -> Path:
    return home.run / "serve.log"
