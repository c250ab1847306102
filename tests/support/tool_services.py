"""Services that programmers' tools talk to: git, a Python index, an npm registry, a JSON API.

One HTTPS server on loopback answers for all of their names, and each name wants its credential.
"""

import base64
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import trustme

from tests.support.origin_wire import basic

GIT, PYPI, NPM, API = "git.example", "pypi.example", "npm.example", "api.example"
KEY: Final = "tool-canary-5e0b7d41c2f9a386"
USER: Final = "deploy"
PACKAGE: Final = "kh-demo"
WANTED: Final = {
    GIT: basic(USER, KEY),
    PYPI: basic(USER, KEY),
    NPM: f"Bearer {KEY}",
    API: f"Bearer {KEY}",
}


@dataclass
class ToolServices:
    """The services: `seen` has the host, the method and the path of each request that was let in."""

    folder: Path
    ca_pem: bytes = b""
    port: int = 0
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def dial(self) -> str:
        """The value for `--dial`."""
        return f"127.0.0.1:{self.port}"

    @property
    def repository(self) -> Path:
        """The bare repository that https://git.example/demo.git is."""
        return self.folder / "demo.git"

    def git(self, *words: str) -> str:
        """Run git in the bare repository; return what it printed."""
        command = ["git", "-C", str(self.repository), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def tool_services(folder: Path) -> Iterator[ToolServices]:
    """Serve until the block ends, with a repository of one commit in the folder."""
    services = ToolServices(folder)
    _make_repository(services)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*WANTED).configure_cert(context)
    services.ca_pem = authority.cert_pem.bytes()

    class Serving(_Handler):
        site = services

    server = _Server(("127.0.0.1", 0), Serving, context)
    services.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], handler: type["_Handler"], context: ssl.SSLContext
    ) -> None:
        super().__init__(address, handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(30)
        with self._context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: ToolServices

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Print nothing."""

    def handle_expect_100(self) -> bool:
        return self._is_let_in() and super().handle_expect_100()

    def do_GET(self) -> None:
        if not self._is_let_in():
            return
        body = self._body()
        host, target = self.headers["Host"], urlsplit(self.path)
        self.site.seen.append((host, self.command, target.path))
        if host == GIT:
            self._answer(*run_git(self.site.folder, self.command, self.path, self.headers, body))
        elif host == PYPI:
            self._answer(*python_index(target.path))
        elif host == NPM:
            self._answer(*npm_registry(target.path))
        else:
            told = {"method": self.command, "path": target.path, "body": body.decode()}
            self._answer(200, {"Content-Type": "application/json"}, json.dumps(told).encode())

    do_POST = do_GET  # noqa: N815 - its name there

    def _is_let_in(self) -> bool:
        host = self.headers["Host"]
        if self.headers.get_all("Authorization") == [WANTED.get(host)]:
            return True
        self.site.refused.append(f"{self.command} {host}{self.path}")
        self.close_connection = True
        self._answer(401, {"WWW-Authenticate": 'Basic realm="demo"'}, b"not you\n")
        return False

    def _answer(self, status: int, fields: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Content-Encoding") == "gzip":
            return zlib.decompress(body, 31)
        return body

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()


type Answer = tuple[int, dict[str, str], bytes]


def run_git(folder: Path, method: str, target: str, headers: Message, body: bytes) -> Answer:
    """Return what `git http-backend` answers (git-http-backend(1), a CGI program)."""
    path, _, query = target.partition("?")
    environ = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "GIT_PROJECT_ROOT": str(folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "1",  # a repository of another user's, where root runs the tests
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": USER,
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=environ, capture_output=True, check=True
    )
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(fields.pop("Status", "200").split()[0]), fields, rest


def python_index(path: str) -> Answer:
    """Return a page or a file of an index with one package (PEP 503)."""
    name = f"{PACKAGE.replace('-', '_')}-1.0-py3-none-any.whl"
    content = _wheel()
    if path.endswith(".whl"):
        return 200, {"Content-Type": "application/zip"}, content
    if path != f"/simple/{PACKAGE}/":
        return 404, {}, b""
    digest = hashlib.sha256(content).hexdigest()
    page = f'<!DOCTYPE html><a href="../../files/{name}#sha256={digest}">{name}</a>'
    return 200, {"Content-Type": "text/html"}, page.encode()


def npm_registry(path: str) -> Answer:
    """Return the description or the archive of the one package of a registry."""
    content = _npm_archive()
    if path.endswith(".tgz"):
        return 200, {"Content-Type": "application/octet-stream"}, content
    if path != f"/{PACKAGE}":
        return 404, {"Content-Type": "application/json"}, b"{}"
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    dist = {"tarball": f"https://{NPM}/files/{PACKAGE}-1.0.0.tgz", "integrity": integrity}
    version = {"name": PACKAGE, "version": "1.0.0", "dist": dist}
    told = {"name": PACKAGE, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()


def _wheel() -> bytes:
    module = PACKAGE.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": "GREETING = 'installed'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return made.getvalue()


def _npm_archive() -> bytes:
    files = {
        "package/package.json": json.dumps({"name": PACKAGE, "version": "1.0.0"}),
        "package/index.js": "module.exports = 'installed';\n",
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def _make_repository(services: ToolServices) -> None:
    run = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    work = services.folder / "work"
    for words in (
        ("init", "-q", "--bare", "-b", "main", str(services.repository)),
        ("init", "-q", "-b", "main", str(work)),
        ("-C", str(work), "commit", "-q", "--allow-empty", "-m", "Begin"),
        ("-C", str(work), "push", "-q", str(services.repository), "main"),
        ("-C", str(services.repository), "config", "http.receivepack", "true"),
    ):
        subprocess.run([*run, *words], check=True, capture_output=True)
