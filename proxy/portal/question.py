"""What an agent asks the portal, and the form in which it wants to be answered."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from proxy.problems import Answer, Problem, render_problem

JSON: Final = "application/json"
TEXT: Final = "text/plain"
_TYPES: Final = {JSON: JSON, TEXT: "text/plain; charset=utf-8"}
_COMMON: Final = (("X-Content-Type-Options", "nosniff"),)

type Form = Literal["application/json", "text/plain"]


@dataclass(frozen=True, slots=True)
class Question:
    """A request to the portal; `path` is without its query, the fields are as they came."""

    method: str
    path: str
    accept: str = ""
    if_none_match: str = ""

    def form(self, default: Form) -> Form:
        """Return the form of the two that the agent would rather have (RFC 9110, 12.5.1)."""
        other: Form = TEXT if default == JSON else JSON
        weights = _weights(self.accept)
        return other if _weight(other, weights) > _weight(default, weights) else default


def answer_json(document: object) -> Answer:
    """Return a JSON answer that holds for this agent and this moment only."""
    return _of_the_moment(JSON, _encoded(document))


def answer_text(text: str) -> Answer:
    """Return a text that holds for this agent and this moment only."""
    return _of_the_moment(TEXT, text.encode())


def answer_page(text: str, document: object, question: Question) -> Answer:
    """Return a page that is the same for every agent, in the form that is wanted."""
    form = question.form(TEXT)
    body = _encoded(document) if form == JSON else text.encode()
    return answer_file(body, _TYPES[form], question)


def answer_file(body: bytes, content_type: str, question: Question) -> Answer:
    """Return bytes that may be kept and asked for again by their ETag (RFC 9110, 13.1.2)."""
    tag = f'"{hashlib.sha256(content_type.encode() + body).hexdigest()[:32]}"'
    fields = (("ETag", tag), ("Cache-Control", "no-cache"), ("Vary", "Accept"), *_COMMON)
    if _names(question.if_none_match, tag):
        return Answer(304, fields, b"")
    return Answer(200, (("Content-Type", content_type), *fields), body)


def answer_problem(problem: Problem, *more: tuple[str, str]) -> Answer:
    """Return a problem, with further fields."""
    answer = render_problem(problem)
    return replace(answer, headers=(*answer.headers, *_COMMON, *more))


def _of_the_moment(form: Form, body: bytes) -> Answer:
    fields = (("Content-Type", _TYPES[form]), ("Cache-Control", "no-store"), ("Vary", "Accept"))
    return Answer(200, (*fields, *_COMMON), body)


def _encoded(document: object) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=True).encode() + b"\n"


def _weights(accept: str) -> dict[str, float]:
    """Return the quality of each media range; what is malformed counts as not wanted."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name:
            weights.setdefault(name, _quality(parameters))
    return weights or {"*/*": 1.0}


def _quality(parameters: Sequence[str]) -> float:
    given = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
    try:
        quality = float(given)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0


def _weight(form: Form, weights: dict[str, float]) -> float:
    """Return the quality of the most specific range that covers a form."""
    ranges = (form, form.partition("/")[0] + "/*", "*/*")
    return next((weights[name] for name in ranges if name in weights), 0.0)


def _names(if_none_match: str, tag: str) -> bool:
    found = {item.strip().removeprefix("W/") for item in if_none_match.split(",")}
    return tag in found or "*" in found
