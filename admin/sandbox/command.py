"""`keyhatch run --sandbox`: from the words of a call to a command behind the wall."""

import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from admin.context import Session
from admin.environment.placeholders import with_placeholders
from admin.environment.proxy import agent_variables, proxy_url
from admin.process.background import require_socket_lease
from admin.sandbox.availability import require_wall
from admin.sandbox.disclosed import keep_secrets_out, without_disclosing_files
from admin.sandbox.environment import Passed, filter_environment
from admin.sandbox.explain import Told, explain
from admin.sandbox.facts import Machine
from admin.sandbox.launch import Command, inside_texts, run_behind_wall
from admin.sandbox.machine import RealDisk, forbidden_places, look_around
from admin.sandbox.made import made_texts
from admin.sandbox.mounts import CERTIFICATES, PORT, Plan, is_open, with_made, with_texts
from admin.sandbox.plan import make_plan
from admin.sandbox.profile import Profile, profile_for
from admin.sandbox.repositories import unseen_repository
from admin.sandbox.shares import (
    PROFILE,
    Forbidden,
    Share,
    parse_path,
    parse_share,
    require_distinct,
    require_no_link,
    resolve_folder,
    resolve_share,
)
from admin.terminal.output import note
from certs.bundle import BUNDLE, CERTIFICATE
from config.connector import Registry
from config.errors import NotFoundError
from config.sandbox import NO_SANDBOX, Sandbox
from proxy.server.control_client import SocketLease, open_lease_socket

_MOST_OWN: Final = 16 * 1024 * 1024  # characters of a program's own file that are looked through
_MOST_LINKS: Final = 40  # as many as the kernel follows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for: a command, as whom, words of `--share` and `--hide`, a profile.

    `agent` and `connectors` are slugs; without them it may use every connector.
    """

    command: Sequence[str]
    agent: str | None = None
    connectors: list[str] | None = None
    shares: Sequence[str] = ()
    hidden: Sequence[str] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """One call with all that was found out about it, before the proxy is asked for anything."""

    machine: Machine
    forbidden: Forbidden
    profile: Profile
    known: Sandbox
    wanted: Wanted


def run_sandboxed(session: Session, wanted: Wanted, registry: Registry) -> int:
    """Run a command behind the wall; return its exit code. Raises KeyhatchError."""
    wall = require_wall()
    behind = _look(session, wanted, registry)
    # Before a proxy is started: what is wrong with the words of the call is told at once.
    shares = _shares(behind)
    plan = _plan(behind, shares)
    require_visible(plan, wanted.command[0], session.environ)
    if _make_folders(behind):
        shares = _shares(behind)
        plan = _plan(behind, shares)
    with require_socket_lease(session, wanted.agent, wanted.connectors) as lease:
        shares, closed = without_disclosing_files(shares, lease)
        for share in closed:
            note(f"{share.path}: not opened; a secret of the vault is in it")
        plan = with_texts(_plan(behind, shares) if closed else plan, _texts(session))
        plan = with_made(plan, _made(behind, lease.placeholders.given))
        passed, words = _environment(session, behind, plan, lease)
        for word in (*words, *_notes(behind, plan)):
            note(word)
        ours = agent_variables(proxy_url(f"127.0.0.1:{PORT}", "run", None), CERTIFICATES)
        words = behind.profile.words(wanted.command)
        started = Command(words, {**passed.variables, **ours}, session.umask)
        return run_behind_wall(wall, plan, started, behind.machine.python, lease.path)


def explain_sandboxed(session: Session, wanted: Wanted, registry: Registry) -> None:
    """Print what a command would find behind the wall; nothing is started."""
    require_wall()
    behind = _look(session, wanted, registry)
    shares = _shares(behind)
    lease = open_lease_socket(session.home, wanted.agent, wanted.connectors, sandbox=True)
    if lease is None:
        passed = _passed(session.environ, behind, behind.machine.homes[0], {})
        words = ["no proxy runs: variables and files were not searched for secrets of the vault"]
        plan = with_made(_plan(behind, shares), _made(behind, {}))
    else:
        with lease:
            shares, closed = without_disclosing_files(shares, lease)
            plan = with_made(_plan(behind, shares), _made(behind, lease.placeholders.given))
            passed, words = _environment(session, behind, plan, lease)
            words += [
                f"{share.path}: not opened; a secret of the vault is in it" for share in closed
            ]
    words += _notes(behind, plan)
    told = Told(
        behind.profile.words(wanted.command),
        behind.profile,
        behind.machine.homes[0],
        plan,
        passed,
        words,
    )
    for line in explain(told):
        click.echo(line)


def _look(session: Session, wanted: Wanted, registry: Registry) -> Behind:
    home = session.home
    found = registry.agents.get(wanted.agent or "")
    known = NO_SANDBOX if found is None else found.sandbox
    machine = look_around(home, session.environ, _guarded(registry))
    profile = profile_for(wanted.command[0], wanted.profile or known.profile)
    return Behind(machine, forbidden_places(home, machine), profile, known, wanted)


def _shares(behind: Behind) -> list[Share]:
    """Return what is opened, vetted: the last word for a path is the command line's."""
    disk, machine, forbidden = RealDisk(), behind.machine, behind.forbidden
    home = machine.homes[0]
    asked = [
        *_named(behind.known.share, "the agent's section", machine.folder, home),
        *_named(behind.wanted.shares, "--share", machine.folder, home),
    ]
    return require_distinct(
        [
            *_profile_shares(behind),
            resolve_folder(machine.folder, disk, forbidden),
            *(resolve_share(share, disk, forbidden) for share in asked),
        ]
    )


def _profile_shares(behind: Behind) -> Iterator[Share]:
    """Yield what a profile opens, of what is there."""
    disk, profile = RealDisk(), behind.profile
    texts = [(text, True) for text in profile.write] + [(text, False) for text in profile.read]
    for text, writable in texts:
        path = parse_path(text, behind.machine.folder, behind.machine.homes[0])
        if disk.resolve(path) is not None:
            share = Share(path, writable, f"{PROFILE}{profile.name}")
            yield resolve_share(share, disk, behind.forbidden)


def _make_folders(behind: Behind) -> bool:
    """Make the folders that a profile writes to, or a first session is gone; tell whether one was made."""
    home, made = behind.machine.homes[0], False
    if not home.is_dir():
        return False
    for text in behind.profile.write:
        path = parse_path(text, behind.machine.folder, home)
        if not path.exists():
            with suppress(OSError):
                path.mkdir(mode=0o700, parents=True)
                made = True
    return made


def _named(texts: Sequence[str], origin: str, folder: Path, home: Path) -> Iterator[Share]:
    for text in texts:
        yield replace(parse_share(text, folder, home), origin=origin)


def _plan(behind: Behind, shares: Sequence[Share]) -> Plan:
    """Return the plan for what was asked for. Raises NotFoundError and UsageError."""
    machine = behind.machine
    home = machine.homes[0]
    hidden = [parse_path(text, machine.folder, home) for text in behind.wanted.hidden]
    for path in hidden:
        if not path.exists():
            raise NotFoundError(
                f"cannot hide {path}: there is no such file or folder", hint="check --hide"
            )
    hidden += [parse_path(text, machine.folder, home) for text in behind.known.hide]
    for path in hidden:
        require_no_link(path, RealDisk())
    return make_plan(machine, RealDisk(), shares, hidden)


def _made(behind: Behind, given: Mapping[str, str]) -> dict[Path, bytes]:
    """Return the files that are made for the command, by their paths inside."""
    machine = behind.machine
    return made_texts(behind.profile.made, machine.homes[0], machine.folder, given, read_own)


def read_own(path: Path) -> str | None:
    """Return the text of a file of the operator's; None where there is none, or a huge one."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_OWN + 1)
    except OSError:
        return None
    return text if len(text) <= _MOST_OWN else None


def _texts(session: Session) -> dict[Path, bytes]:
    """Return our own files that go in: copies, so that no way leads from them to where they lie."""
    names = (BUNDLE, CERTIFICATE)
    return inside_texts() | {CERTIFICATES / n: (session.home.ca / n).read_bytes() for n in names}


def _environment(
    session: Session, behind: Behind, plan: Plan, lease: SocketLease
) -> tuple[Passed, list[str]]:
    """Return the variables that go in, and what to tell of those that do not."""
    kept, words = with_placeholders(session.environ, lease.placeholders)
    passed = _passed(kept, behind, plan.home, lease.placeholders.given)
    without, more = keep_secrets_out(passed, kept, lease)
    return without, [*words, *more]


def _passed(
    environ: Mapping[str, str], behind: Behind, home: Path, given: Mapping[str, str]
) -> Passed:
    return filter_environment(environ, home, (*behind.profile.env, *behind.known.env), given)


def _notes(behind: Behind, plan: Plan) -> list[str]:
    """Return what to tell of what will not work inside."""
    machine = behind.machine
    word = unseen_repository(machine.folder, machine.homes, lambda path: is_open(plan, path))
    return [] if word is None else [word]


def require_visible(plan: Plan, word: str, environ: Mapping[str, str]) -> None:
    """Raise NotFoundError where a command could not be found inside."""
    found = shutil.which(word, path=environ.get("PATH"))
    if found is None:
        return
    for place in _on_the_way(plan.folder / found):
        if not is_open(plan, place):
            raise NotFoundError(
                f"cannot run {word!r} behind the wall: {place} is not open there",
                hint=f"add --share {shlex.quote(str(_around(place)))}:ro, or more of what it needs",
            )


def _on_the_way(path: Path) -> Iterator[Path]:
    """Yield a program and what it is a link to, link by link; each has to be there inside."""
    for _ in range(_MOST_LINKS):
        path = path.parent.resolve() / path.name
        yield path
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()


def _around(program: Path) -> Path:
    """Return what to open for a program: its folder, or the virtual environment that it is of."""
    folder = program.parent
    return folder.parent if (folder.parent / "pyvenv.cfg").is_file() else folder


def _guarded(registry: Registry) -> list[Path]:
    """Return the folders of other agents' listeners: whoever opens one is taken for that agent.

    The folders, as a socket comes and goes with the proxy, which may start after the wall was planned.
    """
    from config.listen import UnixListen

    agents = registry.agents.values()
    return [agent.listen.path.parent for agent in agents if isinstance(agent.listen, UnixListen)]
