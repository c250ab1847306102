"""`keyhatch doctor`: whether the installation is sound, and what agents could still do."""

import textwrap
from collections import Counter
from collections.abc import Sequence

import click

from admin.context import Session
from admin.doctor.exposure import check_exposure
from admin.doctor.finding import Finding, Grade
from admin.doctor.installation import look_at_installation
from admin.doctor.machine import look_at_machine
from admin.doctor.soundness import check_soundness
from admin.doctor.view import View
from admin.options.command import PrintingCommand, pass_session
from admin.process.care import Care
from admin.terminal.output import counted, paint, print_json, printable, terminal_width

WIDTH = 80
_GRADE, _TOPIC = 9, 16  # columns
SOUND = "the installation"
EXPOSED = "what an agent under this user could still do"


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch doctor
  keyhatch doctor --json
""",
)
@pass_session
def doctor(session: Session) -> int:
    """Tell whether the installation is sound, and what an agent could still do.

    Fails where there is a problem. Warnings are for you to weigh: they do not fail.
    """
    machine = look_at_machine(session.environ)
    view = View(machine, look_at_installation(session), session.now())
    sections = {SOUND: list(check_soundness(view)), EXPOSED: list(check_exposure(view))}
    found = [finding for findings in sections.values() for finding in findings]
    counts = Counter(finding.grade for finding in found)
    if session.json:
        print_json(_document(sections, counts))
    else:
        _show(session, sections, counts)
    return 1 if counts[Grade.PROBLEM] else 0


def _document(sections: dict[str, list[Finding]], counts: Counter[Grade]) -> object:
    return {
        "problems": counts[Grade.PROBLEM],
        "warnings": counts[Grade.WARNING],
        "findings": [
            {
                "about": "installation" if section == SOUND else "exposure",
                "topic": finding.topic,
                "grade": finding.grade.value,
                "what": finding.what,
                "advice": finding.advice or None,
            }
            for section, findings in sections.items()
            for finding in findings
        ],
    }


def _show(session: Session, sections: dict[str, list[Finding]], counts: Counter[Grade]) -> None:
    for section, findings in sections.items():
        click.echo(section)
        for finding in findings:
            grade = paint(finding.grade.value, session)
            lines = lines_of(finding, min(terminal_width() or WIDTH, WIDTH))
            click.echo(lines[0].replace(finding.grade.value, grade, 1))
            for line in lines[1:]:
                click.echo(line)
        click.echo()
    click.echo(f"{_count(counts, Grade.PROBLEM)}, {_count(counts, Grade.WARNING)}")


def lines_of(finding: Finding, width: int) -> Sequence[str]:
    """Return a finding as lines: grade, topic and what is so, then what to do about it."""
    indent = " " * (2 + _GRADE + _TOPIC)
    head = f"  {finding.grade.value:<{_GRADE}}{finding.topic:<{_TOPIC}}"
    lines = _wrap(finding.what, width, head, indent)
    if finding.advice:
        lines += _wrap(finding.advice, width, f"{indent}-> ", f"{indent}   ")
    return lines


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    """Break between words only: paths and options are copied from here."""
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(counts: Counter[Grade], grade: Grade) -> str:
    return counted(counts[grade], grade.value)
