"""`keyhatch ca`: the local certificate authority, for programs that want to be told of it."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from admin.context import Session
from admin.options.command import HomeCommand, PrintingCommand, pass_session
from admin.options.lazy import Entry, LazyGroup
from admin.process.care import Care
from admin.terminal.output import note, print_facts, print_json
from config.errors import KeyhatchError, UsageError

if TYPE_CHECKING:
    from certs.authority import CertificateAuthority

_HERE = "admin.commands.ca"
COMMANDS = {
    "path": Entry(f"{_HERE}:show_path", "Print where the CA certificate lies."),
    "show": Entry(f"{_HERE}:show", "Show the CA certificate and the names it may speak for."),
    "export": Entry(f"{_HERE}:export_certificate", "Write the CA certificate for other programs."),
}

EXAMPLES = """
examples:
  keyhatch ca show
  keyhatch ca export --format der -o keyhatch.cer
  SSL_CERT_FILE=$(keyhatch ca path --bundle) some-client
"""

ca: click.Group = LazyGroup(
    name="ca",
    entries=COMMANDS,
    help="Show and export the local certificate authority.",
    epilog=EXAMPLES,
)


@click.command(
    "path",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch ca path
  keyhatch ca path --bundle
""",
)
@click.option("--bundle", is_flag=True, help="The bundle with the system's roots instead.")
@pass_session
def show_path(session: Session, bundle: bool) -> None:
    """Print where the CA certificate lies."""
    session.home.require()
    path = session.home.ca / ("bundle.pem" if bundle else "ca.pem")
    if session.json:
        print_json({"path": str(path)})
    else:
        click.echo(path)


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch ca show --json
""",
)
@pass_session
def show(session: Session) -> None:
    """Show the CA certificate and the names it may speak for."""
    from cryptography.hazmat.primitives.hashes import SHA256

    authority = _authority(session)
    certificate = authority.certificate
    names = authority.permitted
    facts = {
        "subject": certificate.subject.rfc4514_string(),
        "fingerprint_sha256": certificate.fingerprint(SHA256()).hex(":").upper(),
        "valid_from": _stamp(certificate.not_valid_before_utc),
        "valid_until": _stamp(certificate.not_valid_after_utc),
        "constrained": names is not None,
        "permitted_names": sorted(names or ()),
        "path": str(session.home.ca / "ca.pem"),
    }
    print_facts(session, facts)


@click.command(
    "export",
    cls=HomeCommand,
    epilog="""
examples:
  keyhatch ca export -o keyhatch.pem
  keyhatch ca export --format p12 -o truststore.p12
""",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["pem", "der", "bundle", "p12"]),
    default="pem",
    show_default=True,
    help="bundle and p12 (Java) hold the system's roots too.",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write here instead of to standard output.",
)  # fmt: skip
@pass_session
def export_certificate(session: Session, form: str, output: Path | None) -> None:
    """Write the CA certificate for other programs.

    The CA key is never exported. Add connectors first: the certificate is issued anew, over the
    same key, when the names that it may speak for change.
    """
    from certs.export import ExportFormat, export

    if output is None and form in ("der", "p12") and sys.stdout.isatty():
        raise UsageError(f"{form} is not text for a terminal", hint="name a file with -o FILE")
    content = export(_authority(session), ExportFormat(form))
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    _write_public(output, content, session.umask)
    note(f"wrote {output}")


def _authority(session: Session) -> "CertificateAuthority":
    """Return the CA as it must be for the connectors that there are now."""
    from certs.authority import ensure_authority
    from certs.constraints import permitted_names

    permitted = permitted_names(session.registry())
    return ensure_authority(session.home, permitted, now=session.now())


def _write_public(path: Path, content: bytes, umask: int) -> None:
    """Write a file that others may read, as far as the caller's own umask lets them."""
    try:
        path.write_bytes(content)
        path.chmod(0o666 & ~umask)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise KeyhatchError(
            f"cannot write {path}: {reason}", hint="choose another file with -o"
        ) from error


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
