"""`keyhatch run --sandbox`: from the words of a call to a command behind the wall."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from admin.background import require_socket_lease
from admin.context import Session
from admin.output import note
from admin.placeholders import with_placeholders
from admin.proxy_environment import agent_variables, proxy_url
from admin.sandbox.availability import require_wall
from admin.sandbox.environment import filter_environment
from admin.sandbox.launch import Command, inside_texts, run_behind_wall
from admin.sandbox.machine import RealDisk, forbidden_places, look_around
from admin.sandbox.plan import CERTIFICATES, PORT, Machine, Plan, is_open, make_plan
from admin.sandbox.shares import (
    Forbidden,
    parse_path,
    parse_share,
    require_distinct,
    resolve_folder,
    resolve_share,
)
from certs.bundle import BUNDLE, CERTIFICATE
from config.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for: words of `--share` and `--hide`."""

    shares: Sequence[str] = ()
    hidden: Sequence[str] = ()


def run_sandboxed(
    session: Session,
    wanted: Wanted,
    agent: str | None,
    connectors: list[str] | None,
    command: Sequence[str],
) -> int:
    """Run a command behind the wall; return its exit code. Raises KeyhatchError."""
    wall = require_wall()
    home = session.home
    machine = look_around(home, session.environ, _guarded(session))
    with require_socket_lease(session, agent, connectors) as lease:
        texts = inside_texts() | {
            CERTIFICATES / name: (home.ca / name).read_bytes() for name in (BUNDLE, CERTIFICATE)
        }
        plan = plan_for(machine, forbidden_places(home, machine), wanted, texts)
        require_visible(plan, command[0], session.environ)
        kept, words = with_placeholders(session.environ, lease.placeholders)
        for word in words:
            note(word)
        passed = filter_environment(kept, plan.home, given=lease.placeholders.given)
        ours = agent_variables(proxy_url(f"127.0.0.1:{PORT}", "run", None), CERTIFICATES)
        behind = Command(command, {**passed.variables, **ours}, session.umask)
        return run_behind_wall(wall, plan, behind, machine.python, lease.path)


def plan_for(
    machine: Machine, forbidden: Forbidden, wanted: Wanted, texts: Mapping[Path, bytes]
) -> Plan:
    """Return the plan for what was asked for. Raises UsageError and NotFoundError."""
    disk, home = RealDisk(), machine.homes[0]
    shares = [
        resolve_folder(machine.folder, disk, forbidden),
        *(
            resolve_share(parse_share(text, machine.folder, home), disk, forbidden)
            for text in wanted.shares
        ),
    ]
    hidden = [_hidden(text, machine.folder, home) for text in wanted.hidden]
    return make_plan(machine, disk, require_distinct(shares), hidden, texts)


def require_visible(plan: Plan, word: str, environ: Mapping[str, str]) -> None:
    """Raise NotFoundError where a command could not be found inside."""
    found = shutil.which(word, path=environ.get("PATH"))
    if found is None:
        return
    place = Path(found).resolve()
    if not is_open(plan, place):
        raise NotFoundError(
            f"cannot run {word!r} behind the wall: {place} is not open there",
            hint=f"add --share {place.parent}:ro, or more of what it needs",
        )


def _hidden(text: str, folder: Path, home: Path) -> Path:
    path = parse_path(text, folder, home)
    if not path.exists():
        raise NotFoundError(
            f"cannot hide {path}: there is no such file or folder", hint="check --hide"
        )
    return path


def _guarded(session: Session) -> list[Path]:
    """Return where other agents' listeners are: whoever opens one is taken for that agent."""
    from config.listen import UnixListen

    agents = session.registry().agents.values()
    return [agent.listen.path for agent in agents if isinstance(agent.listen, UnixListen)]
