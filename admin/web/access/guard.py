"""The ASGI middleware in front of everything: judges a request, and sets the headers of answers."""

from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin.web.access.front import Front
from admin.web.access.judgement import CSRF_HEADER, Admitted, Ask, Denied, Keys, Verdict, judge
from admin.web.answers import denial, failure, too_large
from config.errors import KeyhatchError

STATIC: Final = "/static/"
MAX_BODY: Final = 256 * 1024  # bytes: a private key and a service account file are far smaller
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OPEN_PAGES: Final = frozenset({"/enter", "/healthz"})


class Guard:
    """Lets in what `judge` admits.

    The request's state then has the `session` or the `token_name`, and `still`, which tells at any
    later time whether it would be let in again.
    """

    def __init__(self, app: ASGIApp, front: Front, keys: Keys) -> None:
        self._app = app
        self._front = front
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # there are no WebSockets here: the server closes what nobody accepts
        sending, ask = _dressed(send), _ask(scope, self._front)
        try:
            verdict = self._judge(ask)
        except KeyhatchError as error:  # such as a damaged file of tokens: nobody is let in
            await failure(scope, error)(scope, receive, sending)
            return
        if isinstance(verdict, Denied):
            await denial(scope, verdict)(scope, receive, sending)
            return
        if _announced(scope) > MAX_BODY:
            await too_large(MAX_BODY)(scope, receive, sending)
            return
        scope.setdefault("state", {}).update(
            session=verdict.session, token_name=verdict.token, still=lambda: self._admits(ask)
        )
        bounded = _Bounded(receive, sending)
        await self._app(scope, bounded.receive, bounded.send)
        if bounded.is_cut:
            await too_large(MAX_BODY)(scope, receive, sending)

    def _judge(self, ask: Ask) -> Verdict:
        return judge(ask, self._front, self._keys, is_open=_is_open)

    def _admits(self, ask: Ask) -> bool:
        """Tell whether a request that goes on for long would be let in at this moment."""
        try:
            return isinstance(self._judge(ask), Admitted)
        except KeyhatchError:
            return False


def _is_open(path: str) -> bool:
    return path in _OPEN_PAGES or path.startswith(STATIC)


def _ask(scope: Scope, front: Front) -> Ask:
    headers = Headers(scope=scope)
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    return Ask(
        method=scope["method"],
        path=scope["path"],
        hosts=headers.getlist("host"),
        origins=headers.getlist("origin"),
        fetch_sites=headers.getlist("sec-fetch-site"),
        cookie=_cookie(headers.getlist("cookie"), front.cookie),
        bearer=rest.strip() if scheme.lower() == "bearer" else None,
        csrf=headers.getlist(CSRF_HEADER),
    )


def _cookie(lines: list[str], name: str) -> str | None:
    for line in lines:
        try:
            found = SimpleCookie(line).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return None


def _announced(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


class _Bounded:
    """A request that ends where its unannounced body is too long; what it comes to then is not sent."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._taken = 0
        self._is_answered = False

    @property
    def is_cut(self) -> bool:
        """Whether it was ended, and has no answer yet."""
        return self._taken > MAX_BODY and not self._is_answered

    async def receive(self) -> Message:
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        return message if self._taken <= MAX_BODY else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self.is_cut:
            self._is_answered = True
            await self._send(message)


def _dressed(send: Send) -> Send:
    """Return a `send` that adds the headers which every answer has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
