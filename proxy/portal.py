"""What an agent may ask the proxy itself: `http://keyhatch.internal/`."""

from collections.abc import Callable

from proxy.problems import KINDS, PROBLEM_BASE, Answer, ProblemCode

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_PROBLEMS = "/problems/"


def answer_portal(method: str, path: str, ca_pem: Callable[[], bytes]) -> Answer:
    """Return the portal's answer to a request: the problem pages, the CA certificate, an index."""
    if method not in {"GET", "HEAD"}:
        return Answer(405, (_TEXT, ("Allow", "GET, HEAD")), b"method not allowed\n")
    if path == "/":
        return Answer(200, (_TEXT,), _index())
    if path == "/ca.pem":
        return Answer(200, (("Content-Type", "application/x-pem-file"),), ca_pem())
    if path.startswith(_PROBLEMS):
        return _problem_page(path.removeprefix(_PROBLEMS))
    return Answer(404, (_TEXT,), b"not found\n")


def _problem_page(code: str) -> Answer:
    try:
        kind = KINDS[ProblemCode(code)]
    except ValueError:
        return Answer(404, (_TEXT,), b"no such problem\n")
    return Answer(200, (_TEXT,), f"{kind.title} ({kind.status})\n\n{kind.explanation}\n".encode())


def _index() -> bytes:
    pages = "\n".join(f"  {PROBLEM_BASE}{code}" for code in ProblemCode)
    return (
        "Keyhatch adds credentials to requests on their way out: call an API as if it needed none.\n"
        "A connector can be called by its name: http://NAME.connector.keyhatch.internal/path\n\n"
        f"The CA certificate:\n  http://keyhatch.internal/ca.pem\n\nWhat errors mean:\n{pages}\n"
    ).encode()
