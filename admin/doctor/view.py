"""All that the checks are told: facts, gathered elsewhere, so that each outcome can be tested."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something could not be looked at, in the words of its error."""

    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the user's place on it.

    `ptrace_scope` is Yama's (None: no Yama). `open_swap` are swap areas that may lie on a disk in
    clear. `sockets` are those of services through which their users become root. `variables` are
    names of the environment, never values. `no_wall` is why `run --sandbox` does not work here, None
    where it does. `strangers_code` is code of ours that other users could change, `own_code`
    tells whether our own user could.
    """

    platform: str = "linux"
    uid: int = 1000
    python: str = "3.13.0"
    mitmproxy: str = "12.2.3"
    ptrace_scope: int | None = 1
    open_swap: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()
    sockets: tuple[str, ...] = ()
    ssh_agent: bool = False
    session_bus: bool = False
    no_wall: Fault | None = None
    variables: frozenset[str] = frozenset()
    strangers_code: tuple[str, ...] = ()
    own_code: bool = False


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA's certificate; `left` is the time until it ends."""

    constrained: bool
    in_system_store: bool
    left: timedelta


@dataclass(frozen=True, slots=True)
class Installation:
    """One home and the proxy that serves it.

    `states` are those of the connectors by slug. `approvals` tells whether a rule asks the operator. `proxy` is what a running one says of itself,
    None where none runs. `free` is the disk's room in bytes, `ahead` how far the newest audit
    record lies in the future. `past_the_wall` are agents that are run behind the wall only and yet
    have tokens, which work without it.
    """

    home: Path
    home_fault: Fault | None = None
    key_source: str = ""
    vault_fault: Fault | None = None
    config_fault: Fault | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    agents: int = 0
    approvals: bool = False
    past_the_wall: tuple[str, ...] = ()
    listen_host: str = "127.0.0.1"
    unmatched: str = "tunnel"
    roots_fault: Fault | None = None
    proxy: Mapping[str, object] | None = None
    proxy_fault: Fault | None = None
    authority: Authority | None = None
    authority_fault: Fault | None = None
    audit_writable: bool = True
    free: int = 1 << 40
    ahead: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class View:
    """Everything, at one moment."""

    machine: Machine
    installation: Installation
    now: datetime
