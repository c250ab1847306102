"""The credential goes in: opened, placed, put on record, and only then sent."""

from collections.abc import Callable
from dataclasses import replace

from mitmproxy import http

from addons.exchange import Exchange, Unplaced, announce, exchange_of, refuse
from addons.stream import IDEMPOTENT
from config.connector import Connector
from config.destination import Destination
from proxy.engine import Engine
from proxy.policy.held import hold
from proxy.policy.minting import passes_tokens
from proxy.problems import Problem, ProblemCode
from proxy.wire.fields import Fields
from proxy.wire.headers import clean_request, identity_only, whole_only
from proxy.wire.hygiene import without_credentials
from proxy.wire.needles import NeedleCache
from proxy.wire.placement import UnfitSecretError, place
from proxy.wire.scrub import Scrubber
from proxy.wire.target import TargetError

_UNAPPROVED = Problem(
    ProblemCode.INTERNAL_ERROR, "what was about to be sent is not what was approved"
)
MAX_KEPT = 1024 * 1024  # bytes of a request's body that are kept, to repeat it after a 401


class Injection:
    """Places a connector's credential into each request that was decided so."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._needles = NeedleCache()

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Rewrite the request head for its one destination; stream the body behind it."""
        exchange = exchange_of(flow)
        if exchange is None or flow.response is not None or flow.error is not None:
            return
        if exchange.destination is None:
            return
        _aim(flow, exchange.destination)
        if exchange.held is not None:
            return  # its body is read first, and `request` goes on
        if exchange.connector is not None:
            problem = await self._inject(flow, exchange, exchange.connector)
            if problem is not None:
                refuse(flow, problem)
                return
        if exchange.kept_body is None and flow.request.data.method in IDEMPOTENT:
            exchange.kept_body = bytearray()
        flow.request.stream = _counted(exchange)

    def resend(self, flow: http.HTTPFlow) -> None:
        """Put on record that a request goes out once more, or let it fail."""
        exchange = exchange_of(flow)
        if exchange is not None:
            exchange.replayable = announce(self._engine, exchange) is None

    async def request(self, flow: http.HTTPFlow) -> None:
        """Go on with a request that was held, and is approved now."""
        exchange = exchange_of(flow)
        if exchange is None or exchange.held is None or exchange.connector is None:
            return
        if flow.response is not None or flow.error is not None:
            return
        if exchange.approved is None:
            problem: Problem | None = _UNAPPROVED
        else:
            problem = await self._inject(flow, exchange, exchange.connector)
        if problem is not None:
            refuse(flow, problem)

    async def renewal(self, flow: http.HTTPFlow) -> None:
        """Get another access token than the refused one; place it if the request can be repeated."""
        exchange = exchange_of(flow)
        if exchange is None or exchange.connector is None or exchange.unplaced is None:
            return
        material = await self._engine.renewed_credential(
            exchange.connector, exchange.unplaced.material
        )
        if material is None or not exchange.replayable:
            return
        unplaced = replace(exchange.unplaced, material=material)
        exchange.renewed = self._place(flow, exchange, exchange.connector, unplaced) is None

    async def _inject(
        self, flow: http.HTTPFlow, exchange: Exchange, connector: Connector
    ) -> Problem | None:
        asked = exchange.elapsed()
        material = await self._engine.credential(connector)
        exchange.timings.token = exchange.elapsed() - asked
        if isinstance(material, Problem):
            return material
        fields = prepared(flow.request.headers.fields, connector)
        request = flow.request
        exchange.masks_tokens = not passes_tokens(connector.hygiene, request.method, request.path)
        unplaced = Unplaced(flow.request.path, fields, material)
        if material.token_set is not None:
            exchange.unplaced, exchange.renewable = unplaced, True
            if exchange.held is None:
                exchange.kept_body = bytearray()
        return self._place(flow, exchange, connector, unplaced)

    def _place(
        self, flow: http.HTTPFlow, exchange: Exchange, connector: Connector, unplaced: Unplaced
    ) -> Problem | None:
        values = unplaced.material.reveal()
        request = flow.request
        try:
            placed = place(connector, values, unplaced.target, unplaced.fields)
        except TargetError as error:
            return Problem(ProblemCode.BAD_REQUEST, str(error), connector=connector.slug)
        except UnfitSecretError:
            return Problem(
                ProblemCode.CREDENTIAL_MISSING,
                f"the credential of {connector.slug} cannot be placed where it belongs",
                connector=connector.slug,
            )
        if exchange.held is not None and not _is_as_approved(flow, exchange, connector, unplaced):
            return _UNAPPROVED
        unaudited = announce(self._engine, exchange)
        if unaudited is not None:
            return unaudited
        request.path = placed.target
        request.headers.fields = placed.fields
        if connector.scrub:
            exchange.scrubber = self._scrubber(exchange, connector, placed.rendered)
        return None

    def _scrubber(
        self, exchange: Exchange, connector: Connector, rendered: tuple[str, ...]
    ) -> Scrubber:
        """Return what masks all that this request has carried, a refused token as well."""
        before, exchange.rendered = exchange.rendered, exchange.rendered + rendered
        if before:
            return Scrubber(exchange.rendered)
        return Scrubber(self._needles.of(connector.id, rendered))


def _is_as_approved(
    flow: http.HTTPFlow, exchange: Exchange, connector: Connector, unplaced: Unplaced
) -> bool:
    """Tell whether what is about to be sent, for the first time or again, is what was approved."""
    body = flow.request.raw_content or b""
    if exchange.destination is None or body != bytes(exchange.kept_body or b""):
        return False
    head = unplaced.target, unplaced.fields
    agent, method = exchange.agent or "", flow.request.method
    found = hold(agent, (connector, exchange.destination), method, head, body)
    return found.digest() == exchange.approved


def _aim(flow: http.HTTPFlow, destination: Destination) -> None:
    """Write the one destination everywhere the lane reads it from (invariant 1)."""
    request = flow.request
    request.data.host = destination.host
    request.data.port = destination.port
    request.data.scheme = destination.scheme.encode()
    authority = destination.authority.encode()
    request.data.authority = authority if request.is_http2 else b""
    others = tuple(f for f in request.headers.fields if f[0].lower() != b"host")
    host = () if request.is_http2 else ((b"Host", authority),)
    request.headers.fields = (*host, *others)


def prepared(fields: Fields, connector: Connector) -> Fields:
    """Return a request's fields as they are sent, but for the credential."""
    cleaned = without_credentials(clean_request(fields, keep_upgrade=True), connector.hygiene)
    # Neither a coding nor a range may take a credential apart before it is looked for.
    return whole_only(identity_only(cleaned)) if connector.scrub else cleaned


def _counted(exchange: Exchange) -> Callable[[bytes], bytes]:
    def count(chunk: bytes) -> bytes:
        exchange.bytes_in += len(chunk)
        if exchange.kept_body is not None:
            exchange.kept_body += chunk
            if len(exchange.kept_body) > MAX_KEPT:
                exchange.kept_body = None
        return chunk

    return count
