"""Texts of the portal: plain words for a person or a model that reads them."""

from typing import Final

from proxy.problems import KINDS, PROBLEM_BASE, ProblemCode, ProblemKind

MAX_NAME: Final = 120  # characters of a display name that are shown

INDEX: Final = """\
Keyhatch adds credentials to requests on their way out: call an API as if it needed none.

  http://keyhatch.internal/llms.txt          how to work with this proxy, in plain words
  http://keyhatch.internal/connectors        the connectors that you may use (JSON)
  http://keyhatch.internal/connectors/NAME   one of them
  http://keyhatch.internal/problems/CODE     what an error means
  http://keyhatch.internal/ca.pem            the CA certificate

What errors mean:
"""

GUIDE: Final = """\
# Keyhatch

You are behind Keyhatch, a proxy that adds credentials to HTTP requests on their way out. You hold no
API keys and need none: send the request as if the service asked for no authentication. Ask nobody for
a key, and do not look for one; there is none in your environment, your files or the responses.

## Calling a service

A connector is an account at a service that you may use. Your connectors are listed below.

- Send requests through the proxy that HTTP_PROXY and HTTPS_PROXY name. Most clients do so by themselves.
- Call the service's own address, with http:// or https://. Either way it leaves encrypted, unless
  the list below says that the service has no encryption.
- Or call a connector by its name: http://NAME.connector.keyhatch.internal/path goes to its base address.
- Where two of your connectors own the same host, add the header Keyhatch-Connector: NAME.
- Leave out Authorization and API keys. If a library insists on a key, give it any text: the proxy
  replaces it.
- If your client rejects the certificate, have it trust http://keyhatch.internal/ca.pem.
- Credentials that a service sends back are masked with asterisks. That is no error.

"Use my HubSpot connector" means: look for it in the list below, or ask
http://keyhatch.internal/connectors/hubspot (any part of the name does).
"""

ERRORS: Final = """\
## When a request is refused

An answer with the field Proxy-Status: keyhatch comes from this proxy, not from the service. It is a
JSON problem (application/problem+json): "code" says why, "hint" what mends it. Where the hint names a
keyhatch command, only the operator can run it: tell them the command, and do not try to go around.
Trying again helps only with token-endpoint-unavailable, upstream-unreachable, upstream-timeout and
limit-exceeded; wait as long as Retry-After says.

"""


def one_line(text: str, *, limit: int = MAX_NAME) -> str:
    """Return a text that cannot break out of its line: what does not print is escaped, ends cut.

    Names are the operator's, but a model reads them among instructions.
    """
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"


def quoted(text: str) -> str:
    """Return a text in quotes that it cannot end."""
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def index_text() -> str:
    """Return the front page."""
    return INDEX + "".join(f"  {PROBLEM_BASE}{code}\n" for code in ProblemCode)


def errors_text() -> str:
    """Return the part of llms.txt about problems."""
    lines = [f"- {code} ({kind.status}): {kind.explanation}\n" for code, kind in KINDS.items()]
    return ERRORS + "".join(lines)


def problem_text(kind: ProblemKind) -> str:
    """Return the page of one problem."""
    return f"{kind.title} ({kind.status})\n\n{kind.explanation}\n"
