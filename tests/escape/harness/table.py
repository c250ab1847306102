"""The table of the suite: for the terminal, and as docs/escape.md."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.escape.harness.catalogue import USERS, Attempt, Group, User, load_attempts, load_groups
from tests.escape.harness.judging import Outcome
from tests.escape.harness.software import ROOT

DOCUMENT: Final = ROOT / "docs" / "escape.md"
TITLE: Final = 54  # columns of the title
MISSING: Final = Outcome("n.a.", "not made")

# By user, then `wall` or `control`, then id.
type Made = Mapping[User, Mapping[str, Mapping[str, Outcome]]]


def word(made: Made, attempt: Attempt, who: User, where: str) -> str:
    """Return what the table says: held, ESCAPED or ERROR of the wall; got or held of the control."""
    if who not in attempt.who:
        return ""
    found = made.get(who, {}).get(where, {}).get(attempt.id, MISSING).word
    return {"got": "ESCAPED", "error": "ERROR"}.get(found, found) if where == "wall" else found


def is_whole(made: Made) -> bool:
    """Tell whether nothing got out, and whether something was tried."""
    words = {
        word(made, attempt, who, "wall")
        for attempt in load_attempts().values()
        for who in USERS
        if made.get(who)
    }
    return "held" in words and words <= {"held", "n.a.", ""}


def terminal_table(made: Made) -> Iterator[str]:
    """Yield the lines: one per attempt, then totals."""
    yield _line("", "attempt", "language", "root", "user", "root", "user")
    yield _line("", "", "", "behind the wall", "", "without it", "")
    for group in load_groups():
        yield f"\n{group.letter}  {group.title}"
        for attempt in group.attempts:
            yield _line(attempt.id, attempt.title, attempt.language, *_words(made, attempt))
    yield ""
    yield from totals(made)


def document(made: Made) -> str:
    """Return docs/escape.md for the outcomes of a run."""
    parts = [_PREFACE, *(_section(made, group) for group in load_groups())]
    lines = [*_reasons(), "", *totals(made)]
    return "".join(parts) + "\n" + "".join(f"{line}\n" for line in lines)


def totals(made: Made) -> Iterator[str]:
    """Yield a line for each user and place: how many attempts came to what."""
    for where, words in (("wall", "behind the wall"), ("control", "without it")):
        for who in USERS:
            found = [word(made, attempt, who, where) for attempt in load_attempts().values()]
            counts = {
                name: found.count(name) for name in ("held", "got", "ESCAPED", "ERROR", "n.a.")
            }
            told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            yield f"as {who}, {words}: {told} of {len(list(filter(None, found)))} attempts"


def _section(made: Made, group: Group) -> str:
    lines = [
        f"| {' | '.join([attempt.id, attempt.title, attempt.language, *_words(made, attempt)])} |\n"
        for attempt in group.attempts
    ]
    return f"\n## {group.letter}. {group.title}\n\n{_HEAD}" + "".join(lines)


def _words(made: Made, attempt: Attempt) -> list[str]:
    return [word(made, attempt, who, where) for where in ("wall", "control") for who in USERS]


def _line(number: str, title: str, language: str, *words: str) -> str:
    cells = "".join(f"{cell:8}" for cell in words)
    return f"{number:4}{title:{TITLE}} {language:9}{cells}".rstrip()


def _reasons() -> Iterator[str]:
    for attempt in load_attempts().values():
        if attempt.why:
            as_whom = " and ".join(attempt.bites) or "nobody"
            yield f"{attempt.id} is known to succeed without the wall as {as_whom}: {attempt.why}.\\"


_HEAD: Final = (
    "| | attempt | language | root, wall | user, wall | root, control | user, control |\n"
    "|---|---|---|---|---|---|---|\n"
)
_PREFACE: Final = """\
# Attempts to get out

An agent that runs under the operator's own user is stopped by nothing but the wall of
`keyhatch run --sandbox`. Each row is one attempt to get past it: a program under `tests/escape`, run
for real inside, as root and as an ordinary user. It may know every path, port, process and name
outside. It has got out when a secret that was planted outside is in its output, or somebody outside
has received what it carried; what it says of itself counts for nothing. `make escape` makes them all
and writes this page.

The *control* is the same program in the same place by `keyhatch run` without the wall. It is there
to show that the attempts work.
"""
