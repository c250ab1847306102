"""A hostile authorization server, and a home whose tokens are renewed at it over real sockets."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys
from proxy.oauth.connect_code import by_browser
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.lease import Leases
from proxy.oauth.refresher import Refresher
from proxy.oauth.renewal import GrantRenewal
from proxy.oauth.rotation import Rotation
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.upstream import Upstream, Visit
from tests.attacks.harness.world import EVIL
from tests.support.endpoints import driver_to, on_vetted_loop
from tests.support.origin_wire import read_body, read_head
from tests.support.raw_client import RawClient
from tests.support.refreshing import CONNECTOR, NOW, Clock, Workshop, a_token_set, landed, no_nap
from tests.support.rotating_server import HOST
from tests.support.vaults import create, new_home

AUTHORITY: Final = HOST
CODE: Final = "code-of-the-consent"
TOKENS: Final = 5  # of each kind that are planted
HOUR: Final = 3600

type Answer = tuple[int, dict[str, Any], tuple[str, ...]]  # status, document, field lines


class Authority:
    """A token endpoint: rotates for ever, unless `answer` or `before_answer` say otherwise.

    The tokens that it gives out are planted: the refresh tokens may come back to it, the access
    tokens are nothing to it any more. `asked` are the forms that came.
    """

    def __init__(self, arena: Arena) -> None:
        self.refresh = [arena.oracle.plant() for _ in range(TOKENS)]
        self.access = [arena.oracle.plant() for _ in range(TOKENS)]
        self.asked: list[dict[str, str]] = []
        self.answer: Callable[[int], Answer] = self.tokens
        self.before_answer: Callable[[], object] = lambda: None
        self.upstream = Upstream(
            arena.certificates.context(AUTHORITY), name=AUTHORITY, behave=self._behave
        )
        arena.oracle.watch(self.upstream.told, may_hold=self.refresh)
        arena.oracle.watch(lambda: self.upstream.told_amiss(AUTHORITY))

    @property
    def dial(self) -> str:
        return f"127.0.0.1:{self.upstream.port}"

    @property
    def presented(self) -> list[str]:
        """The numbers of the refresh tokens that came back, in order; another text as it is."""
        found = [form.get("refresh_token", "") for form in self.asked]
        return [str(self.refresh.index(t)) if t in self.refresh else t for t in found]

    def tokens(self, number: int, **more: Any) -> Answer:
        """Answer with the tokens of one rotation."""
        given = {"access_token": self.access[number], "refresh_token": self.refresh[number]}
        return 200, {**given, "token_type": "Bearer", "expires_in": HOUR, **more}, ()

    def _behave(self, visit: Visit) -> None:
        request = read_head(visit.stream, 0)
        if request is None:
            return
        read_body(visit.stream, request)
        self.asked.append({k: v[0] for k, v in parse_qs(request.body.decode()).items()})
        status, document, fields = self.answer(len(self.asked))
        self.before_answer()
        body = json.dumps(document).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields]
        head = "\r\n".join([*lines, "Content-Type: application/json", "Connection: close"])
        visit.send(head.encode() + b"\r\n\r\n" + body)


@dataclass
class Office(Workshop):
    """A home with tokens, a clock that is set, and refreshers that ask the authority by TLS."""

    arena: Arena = field(kw_only=True)
    authority: Authority = field(kw_only=True)

    @property
    def folder(self) -> Path:
        return self.home.root.parent

    def rotation(self) -> Rotation:
        leases = Leases(self.home.run)
        driver = self.driver()
        renewal = GrantRenewal(lambda _: driver, self.vault, now=self.clock, random=os.urandom)  # type: ignore[arg-type]
        return Rotation(
            self.store, renewal, leases, now=self.clock, random=lambda: 0.5, sleep=no_nap
        )

    def driver(self) -> Any:
        """Return a driver that knows the way to the authority, and to the attacker."""
        dials = {AUTHORITY: self.authority.dial, EVIL: f"127.0.0.1:{self.arena.evil.port}"}
        return driver_to(dials, self.arena.certificates.pem, self.folder)

    def first(self, **overrides: Any) -> TokenSet:
        """Return the tokens of the consent, good for an hour from now."""
        secrets = {
            "access_token": Secret(self.authority.access[0]),
            "refresh_token": Secret(self.authority.refresh[0]),
        }
        return a_token_set(0, self.clock(), **{**secrets, **overrides})

    def connect(self, **overrides: Any) -> None:
        """Store the tokens of the consent."""
        self.store.adopt(CONNECTOR, self.first(**overrides))

    def held(self) -> TokenSet:
        found = self.store.read(CONNECTOR).token_set
        assert found is not None
        return found


@contextmanager
def open_office(arena: Arena, folder: Path, printed: Callable[[], str]) -> Iterator[Office]:
    """Open an office; its files and its log are searched at the end."""
    folder.mkdir()
    home = new_home(folder)
    authority = Authority(arena)
    arena.oracle.watch(lambda: [("the log", printed().encode())])
    arena.oracle.watch(lambda: [(str(p), p.read_bytes()) for p in _files(home.root)])
    with authority.upstream, create(home) as vault:
        yield Office(home, vault, Clock(NOW), arena=arena, authority=authority)


def _files(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file()]


@dataclass
class Consent:
    """A consent that is waited for at `port`; `query` is what the authorization URL asks."""

    url: str
    result: "asyncio.Task[TokenSet]"

    @property
    def query(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(urlsplit(self.url).query).items()}

    @property
    def port(self) -> int:
        return urlsplit(self.query["redirect_uri"]).port or 0

    async def arrive(self, **fields: str) -> int:
        """Call the redirect address as a browser, or a stranger, would; return the status."""
        query = "&".join(f"{name}={text}" for name, text in fields.items())
        return await asyncio.to_thread(_visit, self.port, f"/callback?{query}")

    async def right(self, **fields: str) -> int:
        return await self.arrive(code=CODE, state=self.query["state"], **fields)


def _visit(port: int, target: str) -> int:
    with RawClient(port, None) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        return client.reply().status


@asynccontextmanager
async def consenting(
    office: Office, client: OAuthClient, *, sends_issuer: bool = False
) -> AsyncIterator[Consent]:
    """Begin the flow of an operator's browser, and end it."""
    shown: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = AuthorizationServer(
        client, ClientKeys(), office.driver(), office.clock, os.urandom, sends_issuer
    )
    result = asyncio.create_task(by_browser(server, shown.set_result))
    either: set[asyncio.Future[Any]] = {shown, result}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not shown.done():
        await result
    try:
        yield Consent(shown.result(), result)
    finally:
        result.cancel()
        await asyncio.gather(result, return_exceptions=True)


def renewed(office: Office, ask: Callable[[Refresher], object]) -> list[object]:
    """Ask one refresher; return what it answered, once everything under way has landed."""

    async def run() -> list[object]:
        refresher = office.refresher()
        found = [await ask(refresher)]  # type: ignore[misc]
        await landed(refresher)
        await refresher.close(30)
        return found

    return on_vetted_loop(run)
