"""`python -m tests.attacks`: attack Keyhatch and the control, print the table, write it down.

With ids of rows (`A01 B07`), or letters of groups, only those; then nothing is written.
"""

import sys

from tests.attacks.harness.catalogue import CONTROL, KEYHATCH, load_rows
from tests.attacks.harness.run import Outcome, run_rows
from tests.attacks.harness.table import DOCUMENT, document, is_whole, terminal_table


def main(words: list[str]) -> int:
    """Return the exit code: 0 only when every row held."""
    chosen = [row for row in load_rows() if row in words or row[0] in words]
    keyhatch = run_rows(KEYHATCH, only=chosen)
    control = run_rows(CONTROL, only=chosen)
    if words:
        return _print_chosen(chosen, keyhatch, control)
    for line in terminal_table(keyhatch, control):
        print(line)
    _print_why(keyhatch)
    DOCUMENT.write_text(document(keyhatch, control))
    return 0 if is_whole(keyhatch) else 1


def _print_chosen(
    chosen: list[str], keyhatch: dict[str, Outcome], control: dict[str, Outcome]
) -> int:
    for row in chosen:
        for product, outcomes in ((KEYHATCH, keyhatch), (CONTROL, control)):
            outcome = outcomes.get(row, Outcome("skipped", "no test"))
            print(f"{row} {product:8} {outcome.word:7} {outcome.why}".rstrip())
    return 0 if all(keyhatch[row].word == "held" for row in chosen if row in keyhatch) else 1


def _print_why(keyhatch: dict[str, Outcome]) -> None:
    for row, outcome in keyhatch.items():
        if outcome.word != "held":
            print(f"{row}: {outcome.word}, {outcome.why}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
