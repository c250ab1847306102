"""Real TLS clients as commands: each calls a loopback port under a name and says how it went.

A client that resolves names for itself is sent to 127.0.0.1 with the name in SNI; the others
call `localhost`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

_REQUEST = "GET / HTTP/1.0\r\n\r\n"
_PYTHON = """
import socket, ssl, sys
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as plain:
    with context.wrap_socket(plain, server_hostname=sys.argv[1]) as tls:
        tls.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print(tls.recv(4096))
"""
_REQUESTS = """
import sys, requests
print(requests.get(f"https://{sys.argv[1]}:{sys.argv[2]}/", timeout=20).text)
"""
_NODE = """
const [servername, port] = process.argv.slice(1);
const request = { host: "127.0.0.1", port, servername, headers: { Host: servername } };
require("https")
  .get(request, (response) => response.pipe(process.stdout))
  .on("error", (error) => { console.error(error.code || error.message); process.exit(1); });
"""
_JAVA = """
import java.net.Socket;
import javax.net.ssl.*;

public class Client {
  public static void main(String[] args) throws Exception {
    var factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
    int port = Integer.parseInt(args[1]);
    try (var plain = new Socket("127.0.0.1", port);
        var tls = (SSLSocket) factory.createSocket(plain, args[0], port, true)) {
      var parameters = tls.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      tls.setSSLParameters(parameters);
      tls.startHandshake();
      tls.getOutputStream().write("GET / HTTP/1.0\\r\\n\\r\\n".getBytes());
      System.out.println(new String(tls.getInputStream().readAllBytes()));
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Client:
    """A program and the call that it makes to a port under `host`."""

    program: str
    command: Callable[[str, int], list[str]]
    host: str = "api.example.com"


CLIENTS = {
    "openssl": Client(
        "openssl",
        lambda host, port: [
            *("s_client", "-connect", f"127.0.0.1:{port}", "-servername", host, "-brief"),
            *("-verify_hostname", host, "-verify_return_error", "-x509_strict"),
        ],
    ),
    "python": Client(sys.executable, lambda host, port: ["-c", _PYTHON, host, str(port)]),
    "curl": Client(
        "curl",
        lambda host, port: ["-sS", "--connect-to", f"::127.0.0.1:{port}", f"https://{host}:{port}"],
    ),
    "node": Client("node", lambda host, port: ["-e", _NODE, host, str(port)]),
    "requests": Client(
        sys.executable, lambda host, port: ["-c", _REQUESTS, host, str(port)], "localhost"
    ),
    "pip": Client(
        str(Path(sys.executable).with_name("pip")),  # not a shim that needs the real HOME
        lambda host, port: [
            *("download", "--no-deps", "--retries", "0", "--no-cache-dir"),
            *("--disable-pip-version-check", "-i", f"https://{host}:{port}/simple", "absent"),
        ],
        "localhost",
    ),
    "git": Client("git", lambda host, port: ["ls-remote", f"https://{host}:{port}/"], "localhost"),
    "npm": Client(
        "npm",
        lambda host, port: [
            *("view", "absent", "--registry", f"https://{host}:{port}", "--fetch-retries=0"),
        ],
        "localhost",
    ),
}


def call(client: Client, port: int, folder: Path, variables: Mapping[str, str]) -> str:
    """Let a client call a port and return what it printed; skips where its program is absent."""
    program = find(client.program)
    environment = {"PATH": _search_path(), "HOME": str(folder), **variables}
    return _run([program, *client.command(client.host, port)], folder, environment)


def call_java(host: str, port: int, folder: Path, truststore: Path) -> str:
    """Let a JVM with a trust store call a port; skips where there is no Java."""
    java = find("java")
    source = folder / "Client.java"
    source.write_text(_JAVA)
    option = f"-Djavax.net.ssl.trustStore={truststore}"
    return _run([java, option, str(source), host, str(port)], folder, {"HOME": str(folder)})


def find(program: str) -> str:
    """Return a program's path, this interpreter's folder first; skips the test without one."""
    found = shutil.which(program, path=_search_path())
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def _search_path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=_REQUEST,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout
