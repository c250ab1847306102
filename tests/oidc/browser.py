"""A person's browser: follows redirects, keeps cookies, and clicks through what it is shown."""

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

MAX_STEPS = 20
ANSWERS = {"login": "ada", "password": "anything"}


class _ContextForHost(ssl.SSLContext):
    """A client context that asks for and checks one host, wherever it is connected to."""

    host: str

    def wrap_socket(self, *args: object, **options: object) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**options, "server_hostname": self.host})  # type: ignore[arg-type]


def context_for(ca_pem: bytes, host: str) -> ssl.SSLContext:
    """Return a context for connections to a loopback port that answers for a host."""
    context = _ContextForHost(ssl.PROTOCOL_TLS_CLIENT)
    context.host = host
    context.load_verify_locations(cadata=ca_pem.decode())
    return context


class _Forms(HTMLParser):
    """The forms of a page: where each goes, and its fields with what they hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and self.found and given.get("name"):
            self.found[-1][1][given["name"]] = given.get("value", "")


@dataclass
class Page:
    """Where the browser has come to."""

    url: str
    status: int
    headers: HTTPMessage
    text: str


@dataclass
class Browser:
    """Knows one https host, at a loopback port; every http address is taken as it is.

    `answers` are what a person types into fields of these names.
    """

    port: int
    ca_pem: bytes
    answers: dict[str, str] = field(default_factory=lambda: dict(ANSWERS))
    cookies: dict[str, str] = field(default_factory=dict)

    def visit(self, url: str) -> Page:
        """Open an address, follow redirects and submit every form until a page has none."""
        page = self.open(url)
        for _ in range(MAX_STEPS):
            forms = _Forms(page.text).found
            if page.status != 200 or not forms:
                return page
            action, fields = forms[0]
            page = self.open(
                urljoin(page.url, action), {**fields, **self._typed(fields)}, method="POST"
            )
        raise AssertionError(f"no end of forms at {page.url}")

    def redirected(self, url: str) -> str:
        """Return the https address outside the known host that the browser ends at."""
        page = self.visit(url)
        assert page.status == 0, f"ended at {page.url} with {page.status}"
        return page.url

    def open(self, url: str, fields: dict[str, str] | None = None, *, method: str = "GET") -> Page:
        """Send one request and follow its redirects; status 0 is an address out of reach."""
        host = ""
        for _ in range(MAX_STEPS):
            parts = urlsplit(url)
            if parts.scheme == "https":
                host = host or parts.netloc
                if parts.netloc != host:
                    return Page(url, 0, HTTPMessage(), "")
            page = self._send(method, url, fields)
            location = page.headers["location"]
            if page.status not in (302, 303) or location is None:
                return page
            url, method, fields = urljoin(url, location), "GET", None
        raise AssertionError(f"no end of redirects at {url}")

    def _typed(self, fields: dict[str, str]) -> dict[str, str]:
        return {name: text for name, text in self.answers.items() if name in fields}

    def _send(self, method: str, url: str, fields: dict[str, str] | None) -> Page:
        parts = urlsplit(url)
        assert parts.hostname is not None
        secure = parts.scheme == "https"
        connection: HTTPConnection = (
            HTTPSConnection(
                "127.0.0.1", self.port, context=context_for(self.ca_pem, parts.hostname), timeout=20
            )
            if secure
            else HTTPConnection(parts.hostname, parts.port, timeout=20)
        )
        headers = {"Host": parts.netloc, "Content-Type": "application/x-www-form-urlencoded"}
        if secure and self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        try:
            target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request(method, target, urlencode(fields) if fields else None, headers)
            answer = connection.getresponse()
            page = Page(url, answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()
        if secure:
            self._keep(page.headers)
        return page

    def _keep(self, headers: HTTPMessage) -> None:
        for line in headers.get_all("set-cookie", []):
            for name, morsel in SimpleCookie(line).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
