"""docs/api.md lists exactly what is served, and says no otherwise than the API does."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from admin.web import answers
from admin.web.access import judgement
from admin.web.api import activity, describe, router
from admin.web.api import problems as api_problems
from tests.docs.documents import ROOT, read, rows, section

API = read("docs/api.md")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = FastAPI(title="Keyhatch", version="1")
    app.include_router(router(), prefix="/api/v1")
    describe(app)
    return app.openapi()


def told_paths() -> dict[str, str]:
    table = API.partition("\n## ")[0]
    return {row[0].strip("` "): row[1] for row in rows(table) if row[0].strip("` ").startswith("/")}


def test_every_path_is_told_with_its_methods(document: dict[str, Any]) -> None:
    served = {
        path.removeprefix("/api/v1"): {method.upper() for method in operations}
        for path, operations in document["paths"].items()
    }
    told = {
        path: set(re.findall(r"GET|POST|PUT|PATCH|DELETE", said))
        for path, said in told_paths().items()
    }
    assert told == served


def test_every_way_to_say_no_is_told(document: dict[str, Any]) -> None:
    table = section(API, "## When it says no")
    told = {
        (row[0].strip(), code) for row in rows(table) for code in re.findall(r"`([a-z-]+)`", row[1])
    }
    source = "".join(
        (ROOT / str(module.__file__)).read_text()
        for module in (answers, judgement, api_problems, activity)
    )
    found = set(re.findall(r"(?:problem|Denied)\(\s*(\d{3}),\s*\"([a-z-]+)\"", source))
    found |= {
        (status, code) for status, code in re.findall(r"Error, (\d{3}), \"([a-z-]+)\"", source)
    }
    found |= {("412", "stale"), ("428", "precondition-required"), ("500", "failed")}
    assert told == found
    statuses = {
        status
        for _, operations in document["paths"].items()
        for operation in operations.values()
        for status in operation["responses"]
    }
    assert {status for status, _ in told} == {s for s in statuses if s >= "400"}


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), (method, path)
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == [answers.PROBLEM_JSON], (method, path, status)


def test_the_document_names_nothing_of_the_framework(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document)
