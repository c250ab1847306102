"""The running authorization server: where it is, whom it trusts, what it has counted."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import trustme
from joserfc.jwk import ECKey

from tests.oidc.browser import context_for

HOST = "auth.example.com"
ISSUER = f"https://{HOST}"


@dataclass(frozen=True)
class AuthorizationServer:
    """One oidc-provider on loopback that answers for `auth.example.com`, and its resource.

    `signing_key` (PEM) is that of the clients `code-jwt` and `machine-jwt`.
    """

    port: int
    ca_pem: bytes
    signing_key: str = field(repr=False)

    @property
    def dial(self) -> str:
        return f"127.0.0.1:{self.port}"

    def counts(self) -> dict[str, int]:
        """Return how often: token, refresh, calls of the resource, unauthorized among them."""
        connection = HTTPSConnection("127.0.0.1", self.port, context=context_for(self.ca_pem, HOST))
        try:
            connection.request("GET", "/counts", headers={"Host": HOST})
            counts: dict[str, int] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return counts


@contextmanager
def running(folder: Path, *, access_token_seconds: int = 10) -> Iterator[AuthorizationServer]:
    """Run the server of a folder that `installed` returned, until the block ends."""
    authority = trustme.CA()
    leaf = authority.issue_cert(HOST)
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    settings: dict[str, Any] = {
        "cert": b"".join(pem.bytes() for pem in leaf.cert_chain_pems).decode(),
        "key": leaf.private_key_pem.bytes().decode(),
        "issuer": ISSUER,
        "accessTokenSeconds": access_token_seconds,
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    with subprocess.Popen(
        ["node", "server.mjs"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            server.stdin.write(json.dumps(settings).encode())
            server.stdin.close()
            line = server.stdout.readline()
            while line and not line.strip().isdigit():  # its own advice comes first
                line = server.stdout.readline()
            assert line, "oidc-provider did not start"
            yield AuthorizationServer(
                int(line), authority.cert_pem.bytes(), key.as_pem(private=True).decode()
            )
        finally:
            server.kill()
