"""`python -m tests.escape`: try to get out as every user that we can be, print the table, write it down.

With ids of attempts (`F01 K07`), or letters of groups, only those; then nothing is written.
"""

import sys

from tests.escape.harness.catalogue import USERS, load_attempts
from tests.escape.harness.suite import run_suite, why_no_wall
from tests.escape.harness.table import DOCUMENT, Made, document, is_whole, terminal_table, word


def main(words: list[str]) -> int:
    """Return the exit code: 0 only when every attempt was held."""
    if why := why_no_wall():
        print(f"only the control: {why}", file=sys.stderr)
    made = {who: run_suite(who, sandbox=not why, only=words) for who in USERS}
    if words:
        return _print_chosen(made)
    for line in terminal_table(made):
        print(line)
    _print_why(made)
    if all(made.values()) and not why:
        DOCUMENT.write_text(document(made))
    return 0 if is_whole(made) else 1


def _print_chosen(made: Made) -> int:
    for who, places in made.items():
        for where, outcomes in places.items():
            for number, outcome in outcomes.items():
                why = " ".join(outcome.why.split())
                print(f"{number} as {who:4} {where:7} {outcome.word:5} {why}".rstrip())
    return 0 if is_whole(made) else 1


def _print_why(made: Made) -> None:
    for attempt in load_attempts().values():
        for who in USERS:
            if word(made, attempt, who, "wall") in {"ESCAPED", "ERROR"}:
                why = made[who]["wall"][attempt.id].why
                print(f"{attempt.id} as {who}: {' '.join(why.split())}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
