"""The settings page over a home, as a real server on loopback."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from admin.web.access.tokens import ApiTokens
from admin.web.place import WebPlace, utc_now
from admin.web.serving import PageServer, Wish
from config.home import Home
from config.listen import TcpListen
from tests.support.vaults import reopen

PATIENCE = 30.0
ANY = TcpListen("127.0.0.1", 0)


@dataclass(frozen=True)
class Answer:
    """What came back: status, header fields by lower-case name, text."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Browser:
    """What a browser sends: its cookie, and the page's CSRF token and origin with writes."""

    page: PageServer
    cookie: str = ""
    csrf: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, "", headers)

    def send(
        self, method: str, path: str, body: str | Iterator[bytes], headers: Mapping[str, str]
    ) -> Answer:
        front = self.page.front
        connection = HTTPConnection("127.0.0.1", front.port, timeout=PATIENCE)
        sent = {"Host": front.authority, "Cookie": self.cookie, **self.extra, **headers}
        if method not in ("GET", "HEAD"):
            sent = {"Origin": front.origin, "X-CSRF-Token": self.csrf, **sent}
        try:
            connection.request(method, path, body or None, {k: v for k, v in sent.items() if v})
            return _answer(connection.getresponse())
        finally:
            connection.close()

    def enter(self, link: str) -> Answer:
        """Follow a one-time link, and keep the cookie that it gives."""
        parts = urlsplit(link)
        answer = self.get(f"{parts.path}?{parts.query}")
        given = SimpleCookie(answer.headers.get("set-cookie", ""))
        self.cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in given.items())
        return answer


@contextmanager
def settings_page(home: Home) -> Iterator[PageServer]:
    """Serve the page of a home whose vault has its key in a file."""
    with reopen(home) as vault:
        page = PageServer(WebPlace(home, {}, vault), Wish(ANY))
        page.start()
        try:
            yield page
        finally:
            page.stop()


@contextmanager
def signed_in(home: Home) -> Iterator[Browser]:
    """Serve the page, with a browser that has entered."""
    with settings_page(home) as page:
        browser = Browser(page)
        browser.enter(page.new_link())
        _, _, rest = browser.get("/settings/connectors").text.partition('name="csrf" content="')
        browser.csrf = rest.partition('"')[0]
        yield browser


def api_token(home: Home, name: str = "test") -> str:
    """Make a token of a program."""
    return ApiTokens(home, utc_now).issue(name).reveal()


def _answer(response: HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read().decode())
