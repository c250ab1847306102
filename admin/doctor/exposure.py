"""What an agent under the operator's own user could still do: pure checks over what was found."""

from collections.abc import Iterator
from typing import Final

from admin.doctor.finding import Finding, ok, problem, warning
from admin.doctor.view import Installation, Machine, View

ROOT_GROUPS: Final = frozenset(
    {"sudo", "wheel", "admin", "docker", "lxd", "incus-admin", "libvirt", "disk"}
)
_OTHER_USER: Final = "run agents under a user of their own, or in a container"
_WALL: Final = "`keyhatch run --sandbox`, or a user of their own for agents"


def check_exposure(view: View) -> Iterator[Finding]:
    """Yield what stands between such an agent and the secrets, and what does not.

    All but the first is of agents that are not behind the wall.
    """
    machine, found = view.machine, view.installation
    yield from _sandbox(machine)
    yield from _past_the_wall(found)
    yield from _way_out(found, machine)
    yield from _approvals(found)
    yield from _key(found, machine)
    yield from _memory(machine)
    yield from _swap(machine)
    yield from _code(machine)
    yield from _root(machine)
    yield from _agents_of_others(machine)


def _sandbox(machine: Machine) -> Iterator[Finding]:
    if machine.no_wall is None:
        yield ok("sandbox", "`keyhatch run --sandbox` works here; the rest is of agents without it")
    else:
        yield warning("sandbox", machine.no_wall.what, machine.no_wall.advice)


def _way_out(found: Installation, machine: Machine) -> Iterator[Finding]:
    only = "`keyhatch run --sandbox`" if machine.no_wall is None else "a firewall or container"
    yield warning(
        "way out",
        "agents under this user can connect without the proxy",
        f"they have no key then; {only} makes the proxy the only way",
    )
    if found.unmatched == "tunnel":
        yield warning(
            "way out",
            "through the proxy they reach every public host, unread",
            "`settings: unmatched: deny` limits them to connectors",
        )


def _past_the_wall(found: Installation) -> Iterator[Finding]:
    for slug in found.past_the_wall:
        yield warning(
            "sandbox",
            f"{slug} is run behind the wall only, but its tokens or listener work without",
            f"`keyhatch agent revoke {slug} --all-tokens`, and no `listen:`; `run` needs neither",
        )


def _approvals(found: Installation) -> Iterator[Finding]:
    if found.approvals:
        yield warning(
            "approvals",
            "an agent under this user can say yes to what it asked for itself",
            f"{_WALL}: from there `keyhatch approvals` is out of reach",
        )


def _key(found: Installation, machine: Machine) -> Iterator[Finding]:
    match found.key_source:
        case "file":
            yield warning(
                "vault key",
                "lies beside the vault: any program of this user can open it",
                "`keyhatch vault change-key --key-source passphrase`, or agents under another user",
            )
        case "keyring" if machine.session_bus:
            yield warning(
                "vault key",
                "any program of this user can ask the keyring for it over D-Bus",
                "`keyhatch vault change-key --key-source passphrase`, or agents under another user",
            )
        case "environment":
            yield warning(
                "vault key",
                "lies in a file that this user can read",
                "run the proxy under a user of its own, who alone can read the file",
            )
        case "passphrase" | "keyring":
            yield ok("vault key", "no other program of this user finds it on disk")


def _memory(machine: Machine) -> Iterator[Finding]:
    if machine.platform != "linux":
        yield warning(
            "memory",
            "a debugger of this user can read the proxy's memory on this system",
            "run the proxy under a user of its own",
        )
    elif not machine.ptrace_scope:
        yield warning(
            "memory",
            "programs of this user may read each other's memory (the proxy's is closed)",
            "`sudo sysctl kernel.yama.ptrace_scope=1` closes your shells and editors as well",
        )
    else:
        yield ok("memory", f"programs may not read each other's (Yama {machine.ptrace_scope})")


def _swap(machine: Machine) -> Iterator[Finding]:
    if machine.open_swap:
        yield warning(
            "swap",
            f"{', '.join(machine.open_swap)} may keep a copy of secrets in clear",
            "encrypt it, or use zram",
        )
    else:
        yield ok("swap", "none that would keep secrets in clear")


def _code(machine: Machine) -> Iterator[Finding]:
    if machine.strangers_code:
        yield problem(
            "program",
            f"other users can change {machine.strangers_code[0]}",
            "install Keyhatch where only its owner can write",
        )
    elif machine.own_code:
        yield warning(
            "program",
            "any program of this user can change Keyhatch itself",
            "install it as root, for instance with `pipx install --global keyhatch`",
        )
    else:
        yield ok("program", "Keyhatch and its Python belong to root")


def _root(machine: Machine) -> Iterator[Finding]:
    if machine.uid == 0:
        yield warning("root", "you are root: so are agents that you start", _OTHER_USER)
        return
    groups = sorted(machine.groups & ROOT_GROUPS)
    if groups:
        yield warning(
            "root", f"this user can become root: member of {', '.join(groups)}", _OTHER_USER
        )
    for path in machine.sockets:
        yield warning("root", f"whoever may use {path} can become root", _OTHER_USER)
    if not groups and not machine.sockets:
        yield ok("root", "no way to it was found for this user")


def _agents_of_others(machine: Machine) -> Iterator[Finding]:
    if machine.ssh_agent:
        yield warning(
            "ssh agent",
            "any program of this user can log in with the keys that it holds",
            "start agents with `env -u SSH_AUTH_SOCK`, or under another user",
        )
