"""The credential goes in: opened, placed, put on record, and only then sent."""

from collections.abc import Callable

from mitmproxy import http

from addons.exchange import Exchange, exchange_of, refuse
from config.connector import Connector
from config.destination import Destination
from proxy.audit.journal import AuditUnavailableError
from proxy.engine import Engine
from proxy.problems import Problem, ProblemCode
from proxy.wire.fields import Fields
from proxy.wire.headers import clean_request, identity_only, whole_only
from proxy.wire.needles import NeedleCache
from proxy.wire.placement import UnfitSecretError, place
from proxy.wire.scrub import Scrubber
from proxy.wire.target import TargetError

_UNAUDITED = Problem(ProblemCode.AUDIT_UNAVAILABLE, "the audit log cannot be written")


class Injection:
    """Places a connector's credential into each request that was decided so."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._needles = NeedleCache()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Rewrite the request head for its one destination; stream the body behind it."""
        exchange = exchange_of(flow)
        if exchange is None or flow.response is not None or flow.error is not None:
            return
        if exchange.destination is None:
            return
        _aim(flow, exchange.destination)
        if exchange.connector is not None:
            problem = self._inject(flow, exchange, exchange.connector)
            if problem is not None:
                refuse(flow, problem)
                return
        flow.request.stream = _counted(exchange)

    def _inject(
        self, flow: http.HTTPFlow, exchange: Exchange, connector: Connector
    ) -> Problem | None:
        material = self._engine.material(connector)
        if isinstance(material, Problem):
            return material
        request = flow.request
        fields = _prepared(request.headers.fields, connector)
        try:
            placed = place(connector, material.reveal(), request.path, fields)
        except TargetError as error:
            return Problem(ProblemCode.BAD_REQUEST, str(error), connector=connector.slug)
        except UnfitSecretError:
            return Problem(
                ProblemCode.CREDENTIAL_MISSING,
                f"the credential of {connector.slug} cannot be placed where it belongs",
                connector=connector.slug,
            )
        try:
            self._engine.record_intent(exchange.subject())
        except AuditUnavailableError:
            return _UNAUDITED
        request.path = placed.target
        request.headers.fields = placed.fields
        if connector.scrub:
            exchange.scrubber = Scrubber(self._needles.of(connector.id, placed.rendered))
        return None


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


def _prepared(fields: Fields, connector: Connector) -> Fields:
    cleaned = clean_request(fields, keep_upgrade=True)
    # Neither a coding nor a range may take a credential apart before it is looked for.
    return whole_only(identity_only(cleaned)) if connector.scrub else cleaned


def _counted(exchange: Exchange) -> Callable[[bytes], bytes]:
    def count(chunk: bytes) -> bytes:
        exchange.bytes_in += len(chunk)
        return chunk

    return count
