"""Makes every attempt as one user, behind the wall and without it."""

import base64
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.escape.harness.catalogue import Attempt, User, load_attempts
from tests.escape.harness.judging import Done, Outcome, judge
from tests.escape.harness.people import person
from tests.escape.harness.scenarios import play
from tests.escape.harness.software import COMPILER
from tests.escape.harness.stage import Stage, stage

SECONDS: Final = 8  # for one attempt
PATIENCE: Final = 120

type Outcomes = dict[str, Outcome]


class SuiteError(Exception):
    """The attempts were not made."""


@cache
def why_no_wall() -> str:
    """Return why there is no wall to try here, the empty text where there is one."""
    program = Path(sys.executable).with_name("keyhatch")
    done = subprocess.run([program, "run", "--help"], capture_output=True, text=True, check=False)
    if "--sandbox" not in done.stdout:
        return "this Keyhatch has no sandbox"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    return ""


def run_suite(who: User, *, sandbox: bool, only: Iterable[str] = ()) -> dict[str, Outcomes]:
    """Return the outcomes by `wall` and `control`, each by the attempt's id.

    Without a sandbox the control alone is there. Nothing is there where we cannot be that user.
    """
    if person(who) is None:
        return {}
    chosen = [
        made
        for made in load_attempts().values()
        if who in made.who and (not only or {made.id, made.id[0]} & set(only))
    ]
    with stage(who) as built:
        wall = _all(built, chosen, walled=True) if sandbox else {}
        control = _all(built, chosen, walled=False)
    if not sandbox:
        return {"control": control}
    # What the wall has made unavailable, it holds.
    for number, outcome in wall.items():
        if outcome.word == "n.a." and control[number].word != "n.a.":
            wall[number] = Outcome("held", outcome.why)
    return {"wall": wall, "control": control}


def _all(built: Stage, chosen: list[Attempt], *, walled: bool) -> Outcomes:
    possible, outcomes = [], {}
    for made in chosen:
        if made.program.endswith(".c") and COMPILER is None:
            outcomes[made.id] = Outcome("n.a.", "there is no C compiler")
        elif made.program:
            possible.append(made)
    with built.arranged():
        outcomes |= _batch(built, possible, walled=walled)
    for made in chosen:
        if made.scenario:
            outcomes[made.id] = play(built, made, walled)
    return {made.id: outcomes[made.id] for made in chosen}


def _batch(built: Stage, chosen: list[Attempt], *, walled: bool) -> Outcomes:
    """Make attempts in one run of Keyhatch's."""
    flags = {made.id: f"escaped-{secrets.token_hex(6)}" for made in chosen}
    listed, results = built.work / "attempts.json", built.work / "results.json"
    asked = [_asked(built, made, flags[made.id]) for made in chosen]
    listed.write_text(json.dumps(asked))
    built.person.take(listed)
    known = listed.read_text()
    driver = [*built.software.outside("driver"), str(listed), str(results)]
    with built.run(driver, walled=walled) as child:
        out, err = child.communicate(timeout=PATIENCE)
    if child.returncode != 0 or not results.exists():
        raise SuiteError(f"exit code {child.returncode}: {(out + err).decode()[-2000:]}")
    told = json.loads(results.read_text())
    results.unlink()
    built.read_terminal()
    return {
        made.id: judge(built, made, _done(told[made.id], line, known), walled=walled)
        for made, line in zip(chosen, asked, strict=True)
    }


def _asked(built: Stage, made: Attempt, flag: str) -> dict[str, Any]:
    words = [word.format_map({**built.facts, "flag": flag}) for word in made.words]
    argv = [*built.software.program(made.program), *words]
    return {"id": made.id, "argv": argv, "flag": flag, "seconds": SECONDS}


def _done(told: dict[str, Any], asked: dict[str, Any], known: str) -> Done:
    output = base64.b64decode(told["output"])
    return Done(told["code"], output, asked["flag"], " ".join(asked["argv"]), known)
