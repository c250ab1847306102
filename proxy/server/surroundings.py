"""What an inherited environment may do to a process that opens the vault.

Three kinds: what would carry secrets out, or strange code in, is refused by name; what would bend
the resolver, the TLS library or the interpreter is dropped; the rest stays. Proxy variables stay
for a browser that a command may open, and nothing of ours looks at them. LD_LIBRARY_PATH stays
because some Pythons do not start without it; the doctor tells of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.errors import OperatorNeededError

REFUSED: Final = {
    "SSLKEYLOGFILE": "writes the keys of every TLS connection to a file",
    "MITMPROXY_SSLKEYLOGFILE": "writes the keys of every TLS connection to a file",
    "LD_PRELOAD": "loads a library of somebody else's into the process",
    "LD_AUDIT": "loads a library of somebody else's into the process",
    "DYLD_INSERT_LIBRARIES": "loads a library of somebody else's into the process",
    "PYTHONBREAKPOINT": "names code that is called as a debugger",
}
_DROPPED: Final = frozenset(
    {
        # The resolver, resolv.conf(5) and hostname(7): search domains, and files of aliases.
        "RES_OPTIONS",
        "LOCALDOMAIN",
        "HOSTALIASES",
        "RESOLV_HOST_CONF",
        # OpenSSL: its configuration, and folders that it loads code from.
        "OPENSSL_CONF",
        "OPENSSL_CONF_INCLUDE",
        "OPENSSL_ENGINES",
        "OPENSSL_MODULES",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        # The C library: converters that it loads, allocators that write to files.
        "GCONV_PATH",
        "NLSPATH",
        "LOCPATH",
        "GLIBC_TUNABLES",
        "MALLOC_TRACE",
    }
)
_DROPPED_BEGINNINGS: Final = ("PYTHON", "LD_DEBUG", "LD_PROFILE", "MALLOC_")


class SurroundingsError(OperatorNeededError):
    """The process was started where its secrets would not be its own."""


def without_ambient(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is left of an environment for a process that opens the vault."""
    return {name: value for name, value in environ.items() if not is_ambient(name)}


def is_ambient(name: str) -> bool:
    """Tell whether a variable is refused or dropped."""
    return name in REFUSED or name in _DROPPED or name.startswith(_DROPPED_BEGINNINGS)


def refuse_environment(environ: Mapping[str, str]) -> None:
    """Raise SurroundingsError where a variable is set that is refused; empty ones do nothing."""
    for name, effect in REFUSED.items():
        if environ.get(name):
            raise SurroundingsError(
                f"{name} is set: it {effect}", hint=f"run it as `env -u {name} keyhatch …`"
            )


def refuse_observers(*, traced: bool, status: str) -> None:
    """Raise SurroundingsError where a debugger looks on.

    `traced` tells of a trace or profile function in the interpreter, `status` is Linux's
    /proc/self/status (empty elsewhere).
    """
    if traced:
        raise SurroundingsError(
            "a debugger or profiler is switched on in this Python",
            hint="start Keyhatch without it",
        )
    if tracer := _tracer(status):
        raise SurroundingsError(
            f"process {tracer} traces this one and reads its memory",
            hint="start Keyhatch without a debugger or strace",
        )


def own_status(path: Path = Path("/proc/self/status")) -> str:
    """Return Linux's account of this process, nothing where there is no such file."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _tracer(status: str) -> int:
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "TracerPid":
            return int(value)
    return 0
