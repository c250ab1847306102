"""The portal's pages, by path."""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from config.connector import Connector
from proxy.portal.connectors import (
    PORTAL,
    View,
    base_url,
    facts_of,
    find,
    name_url,
    policy_of,
    remedy,
)
from proxy.portal.question import (
    JSON,
    TEXT,
    Question,
    answer_file,
    answer_json,
    answer_page,
    answer_problem,
    answer_text,
)
from proxy.portal.words import GUIDE, errors_text, index_text, one_line, problem_text, quoted
from proxy.problems import KINDS, PROBLEM_BASE, Answer, Problem, ProblemCode

_CONNECTORS: Final = "/connectors"
_PROBLEMS: Final = "/problems"
_READ_ONLY: Final = Problem(
    ProblemCode.METHOD_OR_PATH_NOT_ALLOWED,
    "the portal can only be read",
    hint="use GET or HEAD",
    status=405,
)
_NO_PAGE: Final = Problem(
    ProblemCode.NOT_FOUND, "the portal has no such page", hint=f"{PORTAL}/ lists its pages"
)
# The same for a connector that does not exist and for one that this agent was not granted.
_NO_CONNECTOR: Final = Problem(
    ProblemCode.NOT_FOUND,
    "this agent has no connector of that name",
    hint=f"{PORTAL}{_CONNECTORS} lists those that it has",
)
_INDEX: Final = {
    "connectors": f"{PORTAL}{_CONNECTORS}",
    "guide": f"{PORTAL}/llms.txt",
    "ca_certificate": f"{PORTAL}/ca.pem",
    "problems": f"{PORTAL}{_PROBLEMS}",
}


def answer_portal(question: Question, view: View) -> Answer:
    """Return the portal's answer; nothing that is asked here changes anything."""
    if question.method not in {"GET", "HEAD"}:
        return answer_problem(_READ_ONLY, ("Allow", "GET, HEAD"))
    folder, _, name = question.path.removeprefix("/").partition("/")
    if name and "/" not in name and folder in _FOLDERS:
        return _FOLDERS[folder](question, view, name)
    page = _PAGES.get(folder) if not name else None
    return answer_problem(_NO_PAGE) if page is None else page(question, view)


def _front(question: Question, _view: View) -> Answer:
    return answer_page(index_text(), _INDEX, question)


def _guide(_question: Question, view: View) -> Answer:
    lines = "".join(_line(connector, view) for connector in view.connectors())
    listed = lines or "None: the operator has granted you no connector yet.\n"
    where = f"\nThe same with more detail, as JSON: {PORTAL}{_CONNECTORS}\n"
    return answer_text(f"{GUIDE}\n## Your connectors\n\n{listed}{where}\n{errors_text()}")


def _certificate(question: Question, view: View) -> Answer:
    return answer_file(view.ca_pem(), "application/x-pem-file", question)


def _problems(question: Question, _view: View) -> Answer:
    return answer_page(errors_text(), [_problem(code) for code in ProblemCode], question)


def _connectors(question: Question, view: View) -> Answer:
    connectors = view.connectors()
    if question.form(JSON) == TEXT:
        return answer_text("".join(_line(c, view) for c in connectors) or "no connectors\n")
    listed = [facts_of(connector, view) for connector in connectors]
    return answer_json({"agent": view.caller.name, "connectors": listed})


def _connector(question: Question, view: View, name: str) -> Answer:
    found = find(view, unquote(name, errors="replace"))
    if not found:
        return answer_problem(_NO_CONNECTOR)
    if len(found) > 1:
        names = ", ".join(connector.slug for connector in found)
        detail = f"several of this agent's connectors have that name: {names}"
        hint = f"ask for one of them, such as {PORTAL}{_CONNECTORS}/{found[0].slug}"
        return answer_problem(Problem(ProblemCode.AMBIGUOUS_CONNECTOR, detail, hint=hint))
    if question.form(JSON) == TEXT:
        return answer_text(_line(found[0], view))
    return answer_json(facts_of(found[0], view))


def _problem_page(question: Question, _view: View, code: str) -> Answer:
    try:
        known = ProblemCode(code)
    except ValueError:
        return answer_problem(_NO_PAGE)
    return answer_page(problem_text(KINDS[known]), _problem(known), question)


def _problem(code: ProblemCode) -> dict[str, object]:
    kind = KINDS[code]
    return {
        "type": PROBLEM_BASE + code,
        "code": code,
        "status": kind.status,
        "title": kind.title,
        "explanation": kind.explanation,
    }


def _line(connector: Connector, view: View) -> str:
    """Return one connector in one line; its display name is only quoted."""
    status = view.status(connector)
    base, by_name = base_url(connector), name_url(connector)
    parts = [f"- {connector.slug} {quoted(connector.name)}: {status.replace('-', ' ')}"]
    if hint := remedy(connector, status):
        parts.append(hint)
    parts.append(f"base address {base}" if base else f"hosts {_hosts(connector)}")
    if connector.scheme == "http":
        parts.append("without encryption: what is sent there leaves in clear")
    if by_name:
        parts.append(f"by name {by_name}")
    if not view.is_alone(connector):
        parts.append(f"at its host, send Keyhatch-Connector: {connector.slug}")
    parts.append(f"allowed: {'; '.join(policy_of(connector, view.caller))}")
    return one_line("; ".join(parts), limit=2000) + "\n"


def _hosts(connector: Connector) -> str:
    return ", ".join(str(pattern) for pattern in connector.destinations)


_PAGES: Final[dict[str, Callable[[Question, View], Answer]]] = {
    "": _front,
    "llms.txt": _guide,
    "ca.pem": _certificate,
    "connectors": _connectors,
    "problems": _problems,
}
_FOLDERS: Final[dict[str, Callable[[Question, View, str], Answer]]] = {
    "connectors": _connector,
    "problems": _problem_page,
}
