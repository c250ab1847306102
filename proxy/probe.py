"""One request with a connector's credential, the way an agent's would go: does it still work?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.connector import Connector
from config.destination import Destination
from config.errors import UsageError
from proxy.oauth.answer import read_document, text_at
from proxy.oauth.driver_interface import HttpResponse, TokenEndpoint
from proxy.wire.placement import place


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """A GET with the credential in its place; neither address nor fields are shown."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Who was asked for what, and the answer's status; `answer` may hold anything."""

    host: str
    path: str
    status: int
    answer: HttpResponse = field(repr=False)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of successes

    def tell(self, path: str) -> str:
        """Return the text at a dotted path of the answer's JSON; empty where there is none."""
        document = read_document(self.answer.body, self.answer.content_type)
        return text_at(document, path) if document is not None else ""


async def probe(
    connector: Connector, path: str, values: Mapping[str, str], endpoint: TokenEndpoint
) -> ProbeResult:
    """Ask the connector's first host for a path, with its credential placed.

    `values` has one text per placement slot. Raises EndpointUnreachableError, UnfitSecretError,
    and UsageError for a connector without a host of its own.
    """
    base = connector.base
    if base is None:
        raise UsageError(
            f"connector {connector.slug} has no single host that could be asked",
            hint="add one without `*.` to its hosts",
        )
    destination = Destination(base.scheme, base.host, base.port)
    placed = place(connector, values, path, ())
    headers = tuple((name.decode("ascii"), value.decode("ascii")) for name, value in placed.fields)
    answer = await endpoint.send(ProbeRequest(f"{destination}{placed.target}", headers))
    return ProbeResult(destination.authority, path, answer.status, answer)
