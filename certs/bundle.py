"""The trust bundle that clients read, and the variables that point them at it.

The bundle is the machine's roots and our CA. `settings.upstream_ca` is not in it: that CA is
the proxy's to trust when it calls connectors, and agents should not come to trust a company's
inspecting CA for every name because one connector needed it.
"""

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.roots import decode_pem, encode_pem, system_roots, without_key, write_if_changed
from config.home import Home

BUNDLE: Final = "bundle.pem"
CERTIFICATE: Final = "ca.pem"

BUNDLE_VARIABLES: Final = (
    "SSL_CERT_FILE",  # OpenSSL, Go on Linux, Ruby, PHP, .NET on Linux, rustls-native-certs, uv
    "REQUESTS_CA_BUNDLE",  # Python requests, Azure CLI, conda
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "npm_config_cafile",  # an npmrc that names a cafile beats NODE_EXTRA_CA_CERTS
    "NIX_SSL_CERT_FILE",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
)
"""Read as the whole set of roots: they replace what the client would trust."""

CERTIFICATE_VARIABLES: Final = (
    "NODE_EXTRA_CA_CERTS",  # Node and what runs on it (npm, Electron), Bun
    "DENO_CERT",
)
"""Read as an addition to the client's own roots."""


def certificate_path(home: Home) -> Path:
    """Return where the CA certificate lies."""
    return home.ca / CERTIFICATE


def bundle_path(home: Home) -> Path:
    """Return where the trust bundle lies."""
    return home.ca / BUNDLE


def make_bundle(certificate: x509.Certificate, roots: bytes) -> bytes:
    """Return PEM `roots` with this issue of our CA at the end, and no older issue of it."""
    others = without_key(decode_pem(roots), certificate)
    return encode_pem([*others, certificate.public_bytes(Encoding.DER)])


def write_bundle(home: Home, certificate: x509.Certificate, roots: bytes | None = None) -> Path:
    """Bring the trust bundle up to date and return its path; `roots` None means the system's.

    The file is only touched when its content changes. Raises KeyhatchError when the machine
    has no roots or the disk refuses.
    """
    path = bundle_path(home)
    content = make_bundle(certificate, system_roots() if roots is None else roots)
    write_if_changed(path, content)
    return path


def client_environment(home: Home) -> dict[str, str]:
    """Return the variables, by name, that make common clients trust the local CA.

    They are those of `client_variables` for the home's own files.
    """
    return client_variables(home.ca)


def client_variables(folder: Path) -> dict[str, str]:
    """Return the variables for clients that find `bundle.pem` and `ca.pem` in a folder.

    Java is not among them: it reads no such variable, and JAVA_TOOL_OPTIONS, which could name a
    trust store, makes every JVM print a line to standard error.
    """
    bundle, certificate = str(folder / BUNDLE), str(folder / CERTIFICATE)
    return dict.fromkeys(BUNDLE_VARIABLES, bundle) | dict.fromkeys(
        CERTIFICATE_VARIABLES, certificate
    )
