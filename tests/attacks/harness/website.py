"""A site of the attacker's on loopback: what an agent with a port of its own can put up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Website:
    """Serves one page at every path, and keeps the cookies that browsers send along."""

    port: int = 0
    page: str = "<!doctype html><title>a site</title>"
    cookies: list[str] = field(default_factory=list)

    def origin(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}"


class _Answering(BaseHTTPRequestHandler):
    def __init__(self, website: Website, *rest: object) -> None:
        self._website = website
        super().__init__(*rest)  # type: ignore[arg-type] # what socketserver gives

    def do_GET(self) -> None:
        self._website.cookies += self.headers.get_all("Cookie", [])
        octets = self._website.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def website() -> Iterator[Website]:
    """Put the site up for the block."""
    site = Website()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answering, site)) as server:
        site.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
