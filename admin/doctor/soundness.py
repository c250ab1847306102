"""Whether the installation is sound: pure checks over what was found."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

from admin.doctor.finding import Finding, ok, problem, warning
from admin.doctor.view import Fault, Installation, Machine, View
from admin.operations.view import ATTENTION
from admin.terminal.output import counted
from proxy.server.surroundings import REFUSED

MITMPROXY: Final = (12, 2)  # the one whose layers ours stand on, as pyproject.toml bounds it
MIB: Final = 1 << 20
LITTLE: Final = 1024 * MIB  # some days of a busy audit log
NONE: Final = 64 * MIB
SKEW: Final = timedelta(minutes=5)
_LIBRARY_PATHS: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def check_soundness(view: View) -> Iterator[Finding]:
    """Yield what is to be said of the installation, in the order in which it matters."""
    found = view.installation
    yield from _home(found)
    yield from _configuration(found)
    yield from _connectors(found)
    yield from _vault(found)
    yield from _authority(found)
    yield from _proxy(found)
    yield from _audit(found)
    yield from _versions(view.machine)
    yield from _environment(view.machine)


def _home(found: Installation) -> Iterator[Finding]:
    if found.home_fault is not None:
        yield _broken("home", found.home_fault)
    else:
        yield ok("home", f"{found.home}, closed to other users")


def _configuration(found: Installation) -> Iterator[Finding]:
    if found.config_fault is not None:
        yield _broken("configuration", found.config_fault)
    else:
        connectors = counted(len(found.states), "connector")
        yield ok("configuration", f"{connectors}, {counted(found.agents, 'agent')}")
    if found.roots_fault is not None:
        yield _broken("upstream_ca", found.roots_fault)
    if not _is_loopback(found.listen_host):
        yield warning(
            "listen address",
            f"{found.listen_host} can be reached from other machines, and tokens go in clear",
            "set `settings: listen:` to 127.0.0.1:8321, or let a firewall admit only agents",
        )


def _connectors(found: Installation) -> Iterator[Finding]:
    for slug, state in found.states.items():
        if state in ATTENTION:
            yield warning("connector", f"{slug}: {state}", f"run `{ATTENTION[state].format(slug)}`")


def _vault(found: Installation) -> Iterator[Finding]:
    if found.vault_fault is not None:
        yield _broken("vault", found.vault_fault)
    elif found.key_source:
        yield ok("vault", f"there, its key is kept by: {found.key_source}")


def _authority(found: Installation) -> Iterator[Finding]:
    authority = found.authority
    if found.authority_fault is not None:
        yield _broken("local CA", found.authority_fault)
    if authority is None:
        return
    if authority.left <= timedelta(0):
        yield problem("local CA", "its certificate has ended", "run `keyhatch serve`: it renews it")
    elif not authority.constrained:
        yield warning(
            "local CA",
            "its certificate may speak for every name",
            "take `name_constraints: false` out of the settings, unless a client needs it",
        )
    else:
        yield ok("local CA", f"speaks for connectors only, for {authority.left.days} more days")
    if authority.in_system_store:
        yield warning(
            "local CA",
            "it is in the system's store: every program trusts it, browsers too",
            "take it out; `keyhatch run` gives each agent the certificates that it needs",
        )


def _proxy(found: Installation) -> Iterator[Finding]:
    if found.proxy_fault is not None:
        yield _broken("proxy", found.proxy_fault)
    elif found.proxy is None:
        yield ok("proxy", "not running; `keyhatch run` and `keyhatch serve` start it")
    else:
        yield ok("proxy", f"running as process {found.proxy.get('pid')}")
        yield from _running(found.proxy)


def _running(proxy: object) -> Iterator[Finding]:
    match proxy:
        case {"config_error": str(error)}:
            yield problem("proxy", f"goes on with old connectors: {error}", "mend connectors.yaml")
    match proxy:
        case {"token_faults": [*faults]}:
            for fault in faults:
                yield warning("proxy", f"tokens of {fault}", "see `keyhatch status`")
    match proxy:
        case {"hardening": dict(closed)} if False not in closed.values():
            yield ok("proxy", "its memory is closed to other programs, and it leaves no core dump")
        case _:
            yield problem(
                "proxy",
                "its memory is not closed to other programs of its user",
                "run `keyhatch stop` and start it anew",
            )


def _audit(found: Installation) -> Iterator[Finding]:
    room = f"{found.free // MIB} MiB free"
    if not found.audit_writable:
        yield problem(
            "audit log", "cannot be written: no credential is used then", "check its folder's mode"
        )
    elif found.free < NONE:
        yield problem("audit log", f"the disk is full ({room})", "make room: requests fail without")
    elif found.free < LITTLE:
        yield warning("audit log", f"the disk is nearly full ({room})", "make room")
    else:
        yield ok("audit log", f"can be written, {room}")
    if found.ahead > SKEW:
        yield warning(
            "clock",
            "the newest audit record lies in the future",
            "set the clock: tokens and certificates are dated by it",
        )


def _versions(machine: Machine) -> Iterator[Finding]:
    said = f"Python {machine.python}, mitmproxy {machine.mitmproxy or 'missing'}"
    if _numbers(machine.mitmproxy)[:2] != MITMPROXY:
        yield problem("versions", said, "install Keyhatch anew: it names the mitmproxy it needs")
    elif _numbers(machine.python)[:2] < (3, 12):
        yield problem("versions", said, "use Python 3.12 or newer")
    else:
        yield ok("versions", said)


def _environment(machine: Machine) -> Iterator[Finding]:
    for name in sorted(machine.variables & REFUSED.keys()):
        yield problem(
            "environment", f"{name} is set: Keyhatch does not start with it", f"`unset {name}`"
        )
    for name in sorted(machine.variables.intersection(_LIBRARY_PATHS)):
        yield warning(
            "environment",
            f"{name} is set: libraries are loaded from there first",
            f"`unset {name}`, unless this Python needs it",
        )


def _broken(topic: str, fault: Fault) -> Finding:
    return problem(topic, fault.what, fault.advice)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
