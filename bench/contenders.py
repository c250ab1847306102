"""The programs that are compared, each on a core of its own, and the service behind them."""

import os
import pwd
import shutil
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.load import Target
from bench.scrubbing import write_bodies
from tests.support.ports import accepts, free_port
from tests.support.settings import declare_connector, declare_settings

HOST = "api.hubapi.com"
UNSCRUBBED_HOST = "unscrubbed.bench.example"  # the same service as another connector's
KEY = "pat-eu1-bench-0123456789abcdef"
BODY_SIZE = 1024
BIN = Path(sys.executable).parent

NGINX_CONF = """\
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 300;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {folder}/origin.pem;
    ssl_certificate_key {folder}/origin.pem;
    ssl_protocols TLSv1.3;
    location / {{
      default_type application/json;
      if ($http_authorization != "Bearer {key}") {{ return 401; }}
      return 200 '{body}';
    }}
    location /bodies/ {{
      root {folder};
      default_type application/json;
      types {{ }}
      if ($http_authorization != "Bearer {key}") {{ return 401; }}
    }}
    location ~ [.]gz$ {{
      root {folder};
      default_type application/json;
      types {{ }}
      add_header Content-Encoding gzip;
      if ($http_authorization != "Bearer {key}") {{ return 401; }}
    }}
  }}
}}
"""


class CannotRunError(Exception):
    """One of the programs did not start."""


class NotInstalledError(CannotRunError):
    """This machine lacks a program that the comparison needs."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The folder, the cores and the running service."""

    folder: Path
    proxy_core: int
    other_core: int
    origin_port: int

    @property
    def origin_ca(self) -> Path:
        return self.folder / "origin-ca.pem"


def pick_cores() -> tuple[int, int]:
    """Return a core for the proxies and one for the rest (the same where there is but one)."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1], cores[0]


@contextmanager
def pinned(
    core: int,
    *command: str | Path,
    port: int,
    log: Path,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on one core until the block ends; it accepts connections when this yields."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [str(word) for word in command],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        # Set before it has started a thread, so every thread inherits it.
        os.sched_setaffinity(server.pid, {core})
        try:
            if not accepts(server, port):
                raise CannotRunError(f"{log.stem} does not listen: {log.read_text()[-500:]}")
            yield server
        finally:
            server.terminate()


@contextmanager
def origin(folder: Path, cores: tuple[int, int]) -> Iterator[Bench]:
    """Run nginx as the HTTPS service. Raises NotInstalledError where it is not installed."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        raise NotInstalledError("nginx is not installed (Debian: apt install nginx-light)")
    bench = Bench(folder, *cores, origin_port=free_port())
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(bench.origin_ca)
    leaf = authority.issue_cert(HOST, UNSCRUBBED_HOST, key_type=trustme.KeyType.ECDSA)
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "origin.pem")
    conf = folder / "nginx.conf"
    body = '{"ok": true, "padding": "' + "x" * (BODY_SIZE - 27) + '"}'
    user = pwd.getpwuid(os.getuid()).pw_name  # else root's workers could not read the folder
    conf.write_text(
        NGINX_CONF.format(user=user, folder=folder, port=bench.origin_port, key=KEY, body=body)
    )
    write_bodies(folder / "bodies")
    command = (nginx, "-p", folder, "-e", folder / "nginx.log", "-c", conf)
    with pinned(bench.other_core, *command, port=bench.origin_port, log=folder / "nginx.out"):
        yield bench


@contextmanager
def keyhatch(bench: Bench) -> Iterator[Target]:
    """Run `keyhatch serve` with everything on: agent check, decision, audit, scrubbing."""
    home = bench.folder / "keyhatch"
    environ = {**os.environ, "KEYHATCH_HOME": str(home)}
    port = free_port()
    _keyhatch(environ, "init", "--key-source", "file")
    declare_settings(home / "connectors.yaml", upstream_ca=str(bench.origin_ca))
    _keyhatch(
        environ, "connector", "add", "HubSpot API", "--type", "api-key", "--provider", "hubspot",
        "--dial", f"127.0.0.1:{bench.origin_port}", "--secret-stdin", stdin=KEY,
    )  # fmt: skip
    _keyhatch(
        environ, "connector", "add", "Unscrubbed", "--type", "api-key", "--host", UNSCRUBBED_HOST,
        "--dial", f"127.0.0.1:{bench.origin_port}", "--secret-stdin", stdin=KEY,
    )  # fmt: skip
    declare_connector(home / "connectors.yaml", "unscrubbed", scrub=False)
    granted = ("--connector", "hubspot-api", "--connector", "unscrubbed")
    token = _keyhatch(environ, "agent", "add", "bench", *granted).split()[-1]
    serve = (BIN / "keyhatch", "serve", "--listen", f"127.0.0.1:{port}")
    with pinned(
        bench.proxy_core, *serve, port=port, log=bench.folder / "keyhatch.out", environ=environ
    ) as server:
        authorization = "Basic " + b64encode(f"agent:{token}".encode()).decode()
        yield Target(server.pid, port, HOST, authorization, _trusting(home / "ca" / "ca.pem"))


@contextmanager
def mitmdump(bench: Bench) -> Iterator[Target]:
    """Run plain mitmdump with the naive addon, under the same CA as Keyhatch."""
    ca = bench.folder / "keyhatch" / "ca"
    confdir = bench.folder / "mitmproxy"
    confdir.mkdir()
    both = (ca / "ca.key").read_bytes() + (ca / "ca.pem").read_bytes()
    (confdir / "mitmproxy-ca.pem").write_bytes(both)
    port = free_port()
    command = (
        BIN / "mitmdump", "--listen-host", "127.0.0.1", "--listen-port", str(port),
        "--scripts", Path(__file__).with_name("naive_addon.py"),
        "--set", f"confdir={confdir}",
        "--set", f"ssl_verify_upstream_trusted_ca={bench.origin_ca}",
        "--set=connection_strategy=lazy", "--set=upstream_cert=false",
    )  # fmt: skip
    environ = {
        **os.environ,
        "BENCH_HOST": HOST,
        "BENCH_PORT": str(bench.origin_port),
        "BENCH_KEY": KEY,
    }
    with pinned(
        bench.proxy_core, *command, port=port, log=bench.folder / "mitmdump.out", environ=environ
    ) as server:
        yield Target(server.pid, port, HOST, "", _trusting(ca / "ca.pem"))


def _keyhatch(environ: Mapping[str, str], *words: str, stdin: str = "") -> str:
    done = subprocess.run(
        [BIN / "keyhatch", *words],
        env=dict(environ),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRunError(f"keyhatch {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _trusting(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))
