"""`keyhatch serve`: the proxy in the foreground."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from admin.context import Session
from admin.options.command import HomeCommand, pass_session
from admin.options.listening import ANY_PORT, parse_listen
from admin.process.care import Care
from admin.terminal.prompts import Terminal
from config.errors import UsageError
from config.listen import TcpListen
from proxy.server.supervisor import tell_supervisor

if TYPE_CHECKING:
    from admin.web.serving import PageServer
    from proxy.vault.vault import Vault

MAX_PASSPHRASE = 4096


@click.command(
    cls=HomeCommand,
    care=Care.SERVICE,
    epilog="""
examples:
  keyhatch serve
  keyhatch serve --listen 127.0.0.1:9000
  keyhatch serve --ui
  keyhatch serve --passphrase-fd 3 3< passphrase.txt
  keyhatch serve --ca-folder /run/keyhatch
""",
)
@click.option("--listen", metavar="A:P", help="Listen here instead of where the settings say.")
@click.option("--ui", is_flag=True, help="Serve the settings page too; `keyhatch ui` opens it.")
@click.option(
    "--ui-listen", metavar="A:P", help="Where the page listens (default: loopback, any free port)."
)
@click.option(
    "--passphrase-fd",
    metavar="N",
    type=click.IntRange(min=0),
    help="Read the vault's passphrase from this file descriptor.",
)
@click.option(
    "--ca-folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Keep copies of ca.pem and bundle.pem here, for other users and containers.",
)
@click.option("--until-idle", type=float, hidden=True, help="Stop after so many idle seconds.")
@click.option("--ready-fd", type=int, hidden=True, help="Write the address here when ready.")
@pass_session
def serve(
    session: Session,
    *,
    listen: str | None,
    ui: bool,
    ui_listen: str | None,
    passphrase_fd: int | None,
    ca_folder: Path | None,
    until_idle: float | None,
    ready_fd: int | None,
) -> None:
    """Run the proxy in the foreground."""
    session.home.require()
    address = None if listen is None else parse_listen(listen)
    if passphrase_fd is not None:
        session = replace(session, terminal=_Passphrase(session.terminal, passphrase_fd))
    with session.vault() as vault, ExitStack() as stack:
        # Only now: these cost most of a second, and a locked vault should say so at once.
        from addons.compose import mitmproxy_lane
        from admin.process.service_log import configure_service_log
        from proxy.server.faults import report_faults_by_type
        from proxy.server.service import Options
        from proxy.server.service import serve as run_service

        configure_service_log()
        report_faults_by_type()
        background = until_idle is not None
        wish = parse_listen(ui_listen or ANY_PORT) if ui or ui_listen else None
        options = Options(
            listen=address,
            until_idle=until_idle,
            any_port=background,
            ca_folder=ca_folder and ca_folder.absolute(),
            open_page=None if wish is None else lambda: _open_page(session, vault, wish, stack),
        )
        run_service(
            session.home, vault, options, mitmproxy_lane, lambda at: _announce(at, ready_fd)
        )


def _open_page(
    session: Session, vault: "Vault", listen: tuple[str, int], stack: ExitStack
) -> "PageServer":
    """Serve the settings page beside the proxy, until the stack is left."""
    from admin.web.place import WebPlace
    from admin.web.serving import PageServer, Wish

    place = WebPlace(session.home, session.environ, vault, session.now)
    page = PageServer(place, Wish(TcpListen(*listen)))
    page.start()
    stack.callback(page.stop)
    click.echo(f"settings page at {page.origin}, `keyhatch ui` opens it", err=True)
    return page


def _announce(address: str, ready_fd: int | None) -> None:
    tell_supervisor(os.environ)
    if ready_fd is None:
        click.echo(f"listening on {address}, stop with Ctrl-C", err=True)
        return
    os.write(ready_fd, f"{address}\n".encode())
    os.close(ready_fd)


@dataclass(frozen=True, slots=True)
class _Passphrase:
    """A terminal whose one hidden answer comes from a file descriptor."""

    terminal: Terminal
    descriptor: int

    def interactive(self) -> bool:
        return True

    def ask_hidden(self, label: str) -> str:
        try:
            with os.fdopen(self.descriptor, "rb") as file:
                return file.read(MAX_PASSPHRASE).decode().removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise UsageError(
                f"cannot read the {label} from file descriptor {self.descriptor}",
                hint="open it for the command, as in `3< passphrase.txt`",
            ) from None

    def ask(self, label: str) -> str:
        return self.terminal.ask(label)

    def confirm(self, question: str) -> bool:
        return self.terminal.confirm(question)

    def forget_typed(self) -> None:
        self.terminal.forget_typed()

    def read_all(self, limit: int) -> bytes:
        return self.terminal.read_all(limit)
