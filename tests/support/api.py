"""The settings page's API over a home, in this process, asked by a program with a token."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from admin.web.access.front import Front
from admin.web.access.sessions import Sessions
from admin.web.access.tokens import ApiTokens
from admin.web.app import Web, build_app
from admin.web.place import WebPlace, utc_now
from config.home import Home
from tests.support.vaults import reopen

PROGRAM = "program"


@dataclass
class Reply:
    """What came back; `json` is None where there was no document."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def fields(self) -> dict[str, str]:
        """The messages of a problem by field."""
        return {field["field"]: field["message"] for field in self.json["fields"]}


@dataclass
class Api:
    """Asks the API, and keeps all that it ever answered."""

    client: TestClient
    place: WebPlace
    heard: list[str] = field(default_factory=list)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        **headers: str,
    ) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = (
            {"content": raw} if raw is not None else {"json": body} if body is not None else {}
        )
        if raw is not None:
            named.setdefault("Content-Type", "application/json")
        answer = self.client.request(method, f"/api/v1{path}", headers=named, **content)
        self.heard.append(f"{answer.headers} {answer.text}")
        is_json = "json" in answer.headers.get("content-type", "")
        return Reply(
            answer.status_code, answer.headers, answer.text, answer.json() if is_json else None
        )

    def tag(self, path: str) -> str:
        """Return the ETag of a thing as it is now."""
        return self("GET", path).etag


@contextmanager
def api_of(home: Home) -> Iterator[Api]:
    """Serve the API of a home whose vault has its key in a file."""
    with reopen(home) as vault:
        place = WebPlace(home, {}, vault)
        tokens = ApiTokens(home, utc_now)
        front = Front("keyhatch-test.localhost", 80)
        app = build_app(Web(place, front, Sessions(place.now), tokens.find))
        token = tokens.issue(PROGRAM).reveal()
        headers = {"Authorization": f"Bearer {token}", "Host": "127.0.0.1:80"}
        client = TestClient(app, base_url="http://127.0.0.1:80", headers=headers)
        try:
            yield Api(client, place)
        finally:
            place.close()
            client.close()
