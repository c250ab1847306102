"""The OpenAPI document against the API itself: no answer that it does not tell of, no 500.

Not asked of streams, which do not end, nor that every text that has the right type is accepted: what
a host, a rule or a name is, is told by words.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import BaseSchema, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from admin.web.api import describe, router
from config.home import Home
from tests.support.api import Api, api_of
from tests.support.command_line import CommandLine

EXAMPLES: Final = int(os.environ.get("SCHEMA_EXAMPLES", "8"))  # of each operation and kind
FAILED: Final = 500  # 503 is told of: something waits for the operator, such as a proxy


def never_fails(_context: object, response: Response, _case: object) -> None:
    """Hold that nothing unforeseen happened."""
    assert response.status_code != FAILED, response.text


OF_ANSWERS: Final[list[Any]] = [
    never_fails,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OF_REFUSALS: Final[list[Any]] = [
    negative_data_rejection,
    unsupported_method,
    missing_required_header,
]
# A body with a mistake may be of somebody who saw an older state: that is told first.
REFUSALS: Final = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, "5xx"]
THERE: Final = {"slot": "secret"}


def document() -> dict[str, Any]:
    app = FastAPI(title="Keyhatch", version="1")
    app.include_router(router(), prefix="/api/v1")
    describe(app)
    return app.openapi()


OPERATIONS: Final = [
    (path, method)
    for path, operations in document()["paths"].items()
    for method in operations
    if not path.endswith("/stream")
]


@pytest.fixture(scope="module")
def schema(whole: Api) -> BaseSchema:
    headers = dict(whole.client.headers)
    config = SchemathesisConfig.from_dict(
        {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
    )
    return schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", whole.client.app, headers=headers, config=config
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API over a home in which there is one of everything, by names that are easily met."""
    line = CommandLine(tmp_path_factory.mktemp("schema") / "home")
    assert line("init", "--key-source", "file").code == 0
    with api_of(Home(line.home)) as api:
        furnish(api)
        yield api


def furnish(api: Api) -> None:
    """Make what is not there (any more)."""
    dead = {"dial": "127.0.0.1:1"}
    key = {"name": "0", "type": "api_key", "hosts": ["api.example.com"], "test_path": "/", **dead}
    oauth = {
        "name": "00",
        "type": "oauth",
        "client_id": "app",
        "hosts": ["id.example.com"],
        "authorization_url": "https://id.example.com/a",
        "token_url": "https://id.example.com/t",
        "token_dial": "127.0.0.1:1",
        **dead,
    }
    api("POST", "/connectors", key | {"secrets": {"secret": "canary-0123456789"}})
    api("POST", "/connectors", oauth | {"secrets": {"client_secret": "canary-0123456789"}})
    api("POST", "/agents", {"name": "0", "connectors": ["0"]})


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda part: part.strip("/"))
def test_every_answer_is_one_that_is_told_of(
    whole: Api, schema: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    headers = dict(whole.client.headers)
    operation = schema[path][method.upper()]
    furnish(whole)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_there=st.booleans())
    def ask(case: Any, *, is_there: bool) -> None:
        if is_there:
            aim(case)
            case.call_and_validate(headers={**headers, "If-Match": "*"}, checks=OF_ANSWERS)
        else:
            case.call_and_validate(headers=headers, checks=[*OF_ANSWERS, *OF_REFUSALS])

    ask()


def aim(case: Any) -> None:
    """Let a request be about something that exists; one that was meant to be wrong may be right then."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = THERE.get(name, "0")
