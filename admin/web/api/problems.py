"""What goes wrong in the API, as problem documents (RFC 9457); no input is ever repeated by us.

pydantic's own errors hold what was sent: only their place and a sentence are taken from them.
"""

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from typing import Any, Final, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from admin.operations.versions import StaleError
from admin.web.answers import PROBLEM_JSON, problem, status_of
from config.errors import ConfigError, Fault, KeyhatchError, UsageError
from config.splice import CannotEditError

PRECONDITION_FAILED: Final = 412
PRECONDITION_REQUIRED: Final = 428
_REF: Final = {"$ref": "#/components/schemas/Problem"}
_SAID: Final[Mapping[int, str]] = {
    401: "No session and no valid API token",
    403: "The request came from another page, or from one of an ended session",
    404: "There is no such thing",
    409: "It collides with what there is",
    412: "It was changed meanwhile; `ETag` has what it is now",
    413: "The body is longer than any of ours",
    421: "The page has another address",
    422: "Something in it is wrong; `fields` say where",
    428: "`If-Match` is missing",
    429: "There are too many at once",
    500: "It could not be done",
    503: "The operator has to do something first, such as unlocking the vault",
}
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "json_invalid": "this is not JSON",
    "string_type": "expected text",
    "string_too_short": "is empty",
    "bool_type": "expected true or false",
    "dict_type": "expected an object",
    "list_type": "expected a list",
    "model_attributes_type": "expected an object",
}


_NOT_JSON: Final = [{"field": "", "message": "this is not JSON"}]


class ProblemRoute(APIRoute):
    """A route whose refusals are problem documents."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        single = set(_single_parameters(self.dependant))

        async def handled(request: Request) -> Response:
            try:
                _require_once(request, single)
                return await handle(request)
            except RequestValidationError as error:
                return _invalid(error.errors())
            except HTTPException:  # a body that is no text
                return problem(422, "invalid", "this is not JSON", fields=_NOT_JSON)
            except KeyhatchError as error:
                return refusal(error)

        return handled


def _single_parameters(dependant: Dependant) -> Iterator[str]:
    """Yield the parameters of a query of which there is one; lists may be several."""
    for field in dependant.query_params:
        if get_origin(field.field_info.annotation) is not list:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _single_parameters(inner)


def _require_once(request: Request, single: Collection[str]) -> None:
    """Raise UsageError for a parameter that stands twice: which of the two was meant?"""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name in counts.keys() & single:
        if counts[name] > 1:
            fault = Fault((name,), "stands twice")
            raise UsageError(f"{name}: stands twice", hint="keep one", faults=(fault,))


class PreconditionMissingError(KeyhatchError):
    """A change has to say which state it was made from."""

    def __init__(self) -> None:
        super().__init__(
            "the header If-Match is missing", hint="send the ETag that you last read, or *"
        )


def said(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of answers that say no, for a route's `responses`."""
    return {
        status: {"description": _SAID[status], "content": {PROBLEM_JSON: {"schema": _REF}}}
        for status in statuses
    }


def refusal(error: KeyhatchError) -> Response:
    """Return the answer for what an operation refused."""
    if isinstance(error, StaleError):
        answer = problem(PRECONDITION_FAILED, "stale", str(error), hint=error.hint)
        answer.headers["ETag"] = f'"{error.current}"'
        return answer
    if isinstance(error, PreconditionMissingError):
        return problem(PRECONDITION_REQUIRED, "precondition-required", str(error), hint=error.hint)
    if isinstance(error, ConfigError):  # what is wrong is the file, not what was sent
        return problem(503, "broken-file", str(error), hint=error.hint)
    if isinstance(error, CannotEditError):
        return problem(409, "layout", str(error), hint=error.hint)
    status, code = status_of(error)
    faults = error.faults if isinstance(error, UsageError) else ()
    more = {"fields": [_field(fault) for fault in faults]} if faults else {}
    return problem(status, code, str(error), hint=error.hint, **more)


def field_of(path: Iterable[str | int]) -> str:
    """Return the name of a field of a body, as `hosts.0`, of a fault's place in the file."""
    steps = list(path)
    if steps[:1] == ["connectors"]:
        steps = steps[2:]
    elif steps[:1] == ["agents"]:
        steps = steps[4:] if steps[2:3] == ["connectors"] else steps[2:]
    return ".".join(map(str, steps))


def _field(fault: Fault) -> dict[str, str]:
    found = {"field": field_of(fault.path), "message": fault.message}
    return found | ({"hint": fault.hint} if fault.hint else {})


def _invalid(errors: Iterable[Mapping[str, Any]]) -> Response:
    fields = [_field_of_input(error) for error in errors]
    first = fields[0]
    where = f"{first['field']}: " if first["field"] else ""
    return problem(422, "invalid", f"{where}{first['message']}", fields=fields)


def _field_of_input(error: Mapping[str, Any]) -> dict[str, str]:
    where, *steps = error["loc"]
    kind = error["type"]
    known = _WORDS.get(kind)
    message = known or str(error["msg"]).removeprefix("Input ").removesuffix(".").lower()
    name = "" if kind == "json_invalid" else ".".join(map(str, steps))
    return {"field": name or ("" if where == "body" else str(where)), "message": message}
