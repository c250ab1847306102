"""`keyhatch logs verify`: is the audit log as it was written, and all there?"""

from typing import TYPE_CHECKING

import click

from admin.context import Session
from admin.options.command import PrintingCommand, pass_session
from admin.terminal.output import as_text, counted, note, painter, print_json
from config.errors import UsageError

if TYPE_CHECKING:
    from proxy.audit.chain import ChainKey, Head
    from proxy.audit.verify import Report

SHOWN = 50
_ATTEMPTS = 3


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch logs verify
  keyhatch logs verify --json | jq '.findings[] | .file, .line, .kind'
  keyhatch logs verify --head 4211:5f0c…
""",
)
@click.option(
    "--head", "noted", metavar="SEQ:SHA256", multiple=True,
    help="A head that an earlier run printed and that was noted elsewhere; may be repeated.",
)  # fmt: skip
@click.option(
    "--chain-only",
    is_flag=True,
    help="Do not open the vault: look at the links, not at who made them.",
)
@pass_session
def verify(session: Session, noted: tuple[str, ...], chain_only: bool) -> int:
    """Look whether the audit log is as it was written.

    Finds lines that were changed, added, moved or taken away, and a log that ends before it should;
    exit code 1 then. docs/audit.md says how it is done, and what cannot be found.
    """
    session.home.require()
    report = _report(session, [parse_head(text) for text in noted], chain_only=chain_only)
    if session.json:
        print_json(_facts(report))
    else:
        _tell(session, report, chain_only=chain_only)
    return 1 if report.findings else 0


def parse_head(text: str) -> "Head":
    """Return a head as `verify` prints it. Raises UsageError."""
    from proxy.audit.chain import Head

    seq, _, digest = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and len(digest) == 64 and digest.isalnum()):  # noqa: PLR2004 - SHA-256 in hexadecimal
        raise UsageError(
            "this is not a head", hint="write it as `keyhatch logs verify` printed it, SEQ:SHA256"
        )
    return Head(int(seq), digest.lower())


def _report(session: Session, noted: "list[Head]", *, chain_only: bool) -> "Report":
    """Look through the files; again where one was deleted by its own retention meanwhile."""
    from proxy.audit.files import journal_files
    from proxy.audit.verify import Finding, Kind, Place, verify

    key, anchors, broken = None, noted, False
    if not chain_only:
        # The sealed head first: what is read afterwards can only have gone further.
        key, sealed = _sealed(session)
        broken = sealed is None
        anchors = noted if sealed is None else [*noted, sealed]
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            report = verify(journal_files(session.home.audit), key, anchors)
            break
        except FileNotFoundError:
            if attempt == _ATTEMPTS:
                raise
    if broken:
        message = "the sealed head in the vault was changed"
        report.findings.append(Finding(Kind.UNSEALED, Place("vault.db", 0), message))
    return report


def _sealed(session: Session) -> "tuple[ChainKey, Head | None]":
    from proxy.audit.anchor import SealBrokenError, load_key, sealed_head

    with session.vault() as vault:
        key = load_key(vault)
        try:
            return key, sealed_head(vault, key)
        except SealBrokenError:
            return key, None


def _facts(report: "Report") -> dict[str, object]:
    return {
        "ok": not report.findings,
        "records": report.records,
        "files": report.files,
        "unsigned": report.unsigned,
        "head": {"seq": report.head.seq, "sha256": report.head.digest},
        "sealed": report.sealed.seq,
        "findings": [
            {"kind": f.kind, "file": f.place.file, "line": f.place.line, "message": f.message}
            for f in report.findings
        ],
        "remarks": [
            {"file": r.place.file, "line": r.place.line, "message": r.message}
            for r in report.remarks
        ],
    }


def _tell(session: Session, report: "Report", *, chain_only: bool) -> None:
    paint = painter(session)
    for finding in report.findings[:SHOWN]:
        kind = paint(f"{finding.kind}:", "red")
        click.echo(f"{as_text(str(finding.place))}: {kind} {finding.message}")
    if len(report.findings) > SHOWN:
        note(f"and {len(report.findings) - SHOWN} more; --json has all")
    for remark in report.remarks[:SHOWN]:
        note(f"{as_text(str(remark.place))}: {remark.message}")
    if report.unsigned:
        note(f"{report.unsigned} written with the vault locked, so without a MAC")
    click.echo(f"{counted(report.records, 'record')} in {counted(report.files, 'file')}")
    if report.findings:
        click.echo(paint("not as it was written", "red"))
        note(_advice(report))
        return
    what = "the chain fits" if chain_only else "as it was written"
    click.echo(paint(what, "green"))
    click.echo(f"head {report.head.seq}:{report.head.digest}")
    behind = report.head.seq - report.sealed.seq
    if behind and not chain_only:
        note(f"the last {behind} are not sealed yet: a cut that took only them would not show")


def _advice(report: "Report") -> str:
    edited = sum(finding.kind == "edited" for finding in report.findings)
    if report.records and edited == report.records:
        return "hint: no line fits the key in this vault: was the vault made anew? Move audit/ away"
    return "hint: keep a copy of audit/ and vault.db before anything else"
