"""The table of the suite: for the terminal, and as docs/attacks.md."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.attacks.harness.catalogue import Row, load_groups, load_rows
from tests.attacks.harness.run import ROOT, Outcome

DOCUMENT: Final = ROOT / "docs" / "attacks.md"
WIDTH: Final = 99
ATTACK, SAFE, WORD = 44, 32, 8  # columns of the terminal's table
MISSING: Final = "missing"
NOT_APPLICABLE: Final = "n.a."

type Outcomes = Mapping[str, Outcome]


def keyhatch_word(row: Row, outcomes: Outcomes) -> str:
    """Return what the table says of Keyhatch: held, FAILED, n.a. or missing."""
    if row.inapplicable:
        outcome = outcomes.get(row.id)
        return NOT_APPLICABLE if outcome is None or outcome.word == "held" else "FAILED"
    if row.id not in outcomes:
        return MISSING
    return "held" if outcomes[row.id].word == "held" else "FAILED"


def control_word(row: Row, outcomes: Outcomes) -> str:
    """Return what the table says of the control: held, failed, n.a. or missing."""
    if row.incomparable or row.inapplicable:
        return NOT_APPLICABLE
    outcome = outcomes.get(row.id)
    return MISSING if outcome is None else outcome.word


def is_whole(keyhatch: Outcomes) -> bool:
    """Tell whether every row held or cannot apply."""
    words = {keyhatch_word(row, keyhatch) for row in load_rows().values()}
    return words <= {"held", NOT_APPLICABLE}


def terminal_table(keyhatch: Outcomes, control: Outcomes) -> Iterator[str]:
    """Yield the lines: one per row, then the reasons for what does not apply, then totals."""
    yield _line("", "attack", "safe outcome", "keyhatch", "control")
    for group in load_groups():
        yield f"\n{group.letter}  {group.title}"
        for row in group.rows:
            words = keyhatch_word(row, keyhatch), control_word(row, control)
            yield _line(row.id, row.attack, row.safe, *words)
    yield ""
    yield from _reasons()
    yield from _totals(keyhatch, control)


def document(keyhatch: Outcomes, control: Outcomes) -> str:
    """Return docs/attacks.md for the outcomes of a run."""
    return (
        _PREFACE
        + "".join(
            f"\n## {group.letter}. {group.title}\n\n{_HEAD}"
            + "".join(
                _document_line(row, keyhatch_word(row, keyhatch), control_word(row, control))
                for row in group.rows
            )
            for group in load_groups()
        )
        + "\n"
        + "".join(f"{line}\n" for line in [*_reasons(), *_totals(keyhatch, control)])
    )


def _document_line(row: Row, keyhatch: str, control: str) -> str:
    return f"| {row.id} | {row.attack} | {row.safe} | {keyhatch} | {control} |\n"


def _line(number: str, attack: str, safe: str, keyhatch: str, control: str) -> str:
    cells = f"{number:3} {attack:{ATTACK}} {safe:{SAFE}} {keyhatch:{WORD}} {control:{WORD}}"
    return cells.rstrip()


def _reasons() -> Iterator[str]:
    for row in load_rows().values():
        if row.inapplicable:
            yield f"{row.id} does not apply: {row.inapplicable}."
        elif row.incomparable:
            yield f"{row.id} is not asked of the control: {row.incomparable}."


def _totals(keyhatch: Outcomes, control: Outcomes) -> Iterator[str]:
    rows = load_rows().values()
    for name, words in (
        ("keyhatch", [keyhatch_word(row, keyhatch) for row in rows]),
        ("control", [control_word(row, control) for row in rows]),
    ):
        counts = {word: words.count(word) for word in dict.fromkeys(words)}
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        yield f"{name}: {told}, of {len(words)} rows"


_HEAD: Final = "| | attack | safe outcome | Keyhatch | control |\n|---|---|---|---|---|\n"
_PREFACE: Final = """\
# Attacks

The agent behind the proxy is not trusted, and neither are the services that it calls. Each row is
one attack and the one safe outcome; each is a test under `tests/attacks` that drives the proxy over
sockets and ends in a search for the secret in everything that anybody received, was logged or lies
in the home folder. `make attack` runs them all and writes this page.

The *control* is plain mitmproxy with a five-line addon that adds a key
(`tests/attacks/harness/naive_addon.py`), under the same attacks. It is there to show that the tests
bite: it was never meant to withstand them.
"""
