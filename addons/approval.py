"""Requests that need the operator's yes: held with their body, asked for, looked at again, let go."""

import asyncio
from dataclasses import replace
from typing import Final

from mitmproxy import http
from mitmproxy.flow import Error

from addons.exchange import Exchange, Held, exchange_of, refuse
from addons.injection import prepared
from addons.limits import BODY_TOO_LARGE
from config.connector import Connector
from proxy.audit.record import Approval
from proxy.engine import Engine
from proxy.policy.approvals import Answer, Seat, Verdict
from proxy.policy.decision import Inject, Refuse
from proxy.policy.held import MAX_HELD_BODY, HeldRequest, hold
from proxy.problems import Problem, ProblemCode
from proxy.wire.target import TargetError

RETRY: Final = 5  # seconds after which a place may be free again
_TOO_MANY: Final = "too many requests wait for the operator's yes"
_REVOKED: Final = Problem(
    ProblemCode.PROXY_AUTHENTICATION_REQUIRED, "the agent token is not valid any more"
)


class Approving:
    """Holds a request until the operator has said yes to exactly what will be sent.

    Nothing is sent and no credential is fetched before; Injection does both afterwards.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Take a place for a request, before its body is asked for."""
        exchange = exchange_of(flow)
        if exchange is None or exchange.held is None or flow.response is not None:
            return
        if flow.error is not None:
            return
        if _announced_length(flow.request) > MAX_HELD_BODY:
            refuse(flow, replace(BODY_TOO_LARGE, connector=exchange.connector_slug))
            return
        exchange.seat = self._engine.approvals.seat(exchange.agent or "")
        if exchange.seat is None:
            slug = exchange.connector_slug
            refuse(
                flow,
                Problem(ProblemCode.LIMIT_EXCEEDED, _TOO_MANY, connector=slug, retry_after=RETRY),
            )

    async def request(self, flow: http.HTTPFlow) -> None:
        """Ask, now that the body is whole; a yes lets it go on as it would be decided now."""
        exchange = exchange_of(flow)
        if exchange is None or exchange.held is None or flow.response is not None:
            return
        connector, seat = exchange.connector, exchange.seat
        assert connector is not None  # noqa: S101 - admission has set it, and the seat was taken
        assert seat is not None  # noqa: S101
        body = flow.request.raw_content or b""
        try:
            request = held_request(flow, exchange, connector, body)
        except TargetError as error:
            refuse(flow, Problem(ProblemCode.BAD_REQUEST, str(error), connector=connector.slug))
            return
        verdict = await self._ask(seat, request)
        exchange.approval = _noted(verdict, request)
        if verdict.answer is Answer.WITHDRAWN:
            exchange.decided("refuse", "withdrawn", connector.slug)
            flow.error = Error(Error.KILLED_MESSAGE)
            return
        problem = _refusal(verdict, connector) or self._lost(flow, exchange, exchange.held)
        if problem is not None:
            refuse(flow, problem)
            return
        exchange.kept_body = bytearray(body)
        exchange.approved = exchange.approval.digest

    async def _ask(self, seat: Seat, request: HeldRequest) -> Verdict:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Verdict] = loop.create_future()
        timeout = self._engine.snapshot.registry.settings.approval_timeout
        timer = loop.call_later(timeout, seat.lapse)
        try:
            seat.ask(request, timeout, answered.set_result)
            return await answered
        finally:
            timer.cancel()
            seat.leave()

    def _lost(self, flow: http.HTTPFlow, exchange: Exchange, held: Held) -> Problem | None:
        """Return why what was allowed before the wait is not allowed any more, or None."""
        caller = self._engine.identify(held.digest)
        if caller is None:
            return _REVOKED
        decision = self._engine.decide(held.head, caller)
        if isinstance(decision, Refuse):
            exchange.note_rule(decision.ground)
            return decision.problem
        decided = exchange.agent, exchange.connector, exchange.destination, flow.request.path
        if isinstance(decision, Inject):
            now = caller.name, decision.connector, decision.destination, decision.target
            if now == decided:
                return None
        slug = exchange.connector_slug
        detail = f"the connector {slug} was changed while the request waited"
        return Problem(ProblemCode.CONNECTOR_NOT_GRANTED, detail, connector=slug)


def held_request(
    flow: http.HTTPFlow, exchange: Exchange, connector: Connector, body: bytes
) -> HeldRequest:
    """Return what will be sent for a flow. Raises TargetError."""
    assert exchange.destination is not None  # noqa: S101 - set with the connector
    head = flow.request.path, prepared(flow.request.headers.fields, connector)
    method = flow.request.method
    return hold(exchange.agent or "", (connector, exchange.destination), method, head, body)


def _announced_length(request: http.Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _noted(verdict: Verdict, request: HeldRequest) -> Approval:
    return Approval(verdict.answer.value, verdict.by, verdict.waited * 1000, request.digest())


def _refusal(verdict: Verdict, connector: Connector) -> Problem | None:
    slug = connector.slug
    match verdict.answer:
        case Answer.YES:
            return None
        case Answer.NO:
            why = f": {verdict.reason}" if verdict.reason else ""
            detail = f"the operator said no to this request{why}"
            return Problem(ProblemCode.APPROVAL_DENIED, detail, connector=slug)
        case Answer.TIMED_OUT:
            detail = "the operator did not answer in time"
            return Problem(ProblemCode.APPROVAL_TIMED_OUT, detail, connector=slug)
        case _:
            detail = "the proxy was stopped before the operator answered"
            return Problem(ProblemCode.APPROVAL_TIMED_OUT, detail, connector=slug)
