"""`keyhatch ui`: the settings page, in a browser."""

import signal
import threading
from contextlib import ExitStack, suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click

from admin.context import Session
from admin.options.command import HomeCommand, pass_session
from admin.options.listening import ANY_PORT, parse_listen
from admin.terminal.output import note
from config.errors import NotFoundError, OperatorNeededError, UsageError
from config.files import write_private
from config.home import Home
from config.listen import TcpListen
from proxy.server.control_client import request

if TYPE_CHECKING:
    from admin.web.serving import Wish
    from proxy.vault.vault import Vault


@click.command(
    cls=HomeCommand,
    epilog="""
examples:
  keyhatch ui
  keyhatch ui --no-browser --listen 127.0.0.1:8322
  keyhatch ui --listen 192.0.2.7:443 --host keys.corp.example \\
    --tls-certificate chain.pem --tls-key key.pem
""",
)
@click.option("--listen", metavar="A:P", help="Listen here (default: loopback, any free port).")
@click.option("--host", metavar="NAME", help="The name in the page's address.")
@click.option(
    "--tls-certificate", type=click.Path(path_type=Path, exists=True), help="PEM: serve https."
)
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True), help="PEM: its key.")
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@pass_session
def ui(
    session: Session,
    *,
    listen: str | None,
    host: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    no_browser: bool,
) -> None:
    """Open the settings page in a browser.

    It prints a link that opens the page once, within ten minutes. Where `keyhatch serve --ui` has
    the page, the link leads there; else it is served until Ctrl-C.
    """
    session.home.require()
    chosen = (listen, host, tls_certificate, tls_key)
    link = running_page(session.home) if not any(chosen) else None
    if link is not None:
        show_link(session, link, no_browser)
        note("the page belongs to the running proxy; the link is good once, for ten minutes")
        return
    serve_page(session, wish_of(*chosen), no_browser)


def running_page(home: Home) -> str | None:
    """Return a new link to the page that the running proxy serves, or None."""
    with suppress(NotFoundError):
        reply = request(home, {"op": "page-link"})
        return None if reply is None else str(reply["link"])
    return None


def wish_of(listen: str | None, host: str | None, chain: Path | None, key: Path | None) -> "Wish":
    """Return where to serve. Raises UsageError for words that do not go together."""
    from admin.web.serving import Certificate, Wish

    if (chain is None) != (key is None):
        raise UsageError(
            "--tls-certificate and --tls-key need each other", hint="give both, or neither"
        )
    certificate = None if chain is None or key is None else Certificate(chain, key)
    return Wish(TcpListen(*parse_listen(listen or ANY_PORT)), host, certificate)


def serve_page(session: Session, wish: "Wish", no_browser: bool) -> None:
    """Serve the page until SIGINT or SIGTERM."""
    from admin.web.place import WebPlace
    from admin.web.serving import PageServer

    ending = threading.Event()
    with ExitStack() as stack:
        # Not by a blocked mask, which the browser that is opened would inherit.
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.signal(number, lambda _number, _frame: ending.set())
            stack.callback(signal.signal, number, before)
        place = WebPlace(session.home, session.environ, _vault(session, stack), session.now)
        page = PageServer(place, wish)
        page.start()
        stack.callback(page.stop)
        stack.callback(_way_in(session.home).unlink, missing_ok=True)
        show_link(session, page.new_link(), no_browser)
        note("the link is good once, for ten minutes; stop the page with Ctrl-C")
        ending.wait()


def _vault(session: Session, stack: ExitStack) -> "Vault | None":
    """Return the vault; a page over a locked one can still be read, and says so."""
    try:
        return stack.enter_context(session.vault())
    except OperatorNeededError as error:
        note(f"warning: {error}; {error.hint}")
        return None


def show_link(session: Session, link: str, no_browser: bool) -> None:
    """Print a link, and open it by way of a private file: others can read a program's arguments."""
    if no_browser:
        click.echo(link)
        return
    way_in = _way_in(session.home)
    address = escape(link, quote=True)
    page = f'<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={address}">'
    write_private(way_in, page.encode())
    click.echo(link)
    session.open_browser(way_in.as_uri())


def _way_in(home: Home) -> Path:
    return home.run / "open-page.html"
