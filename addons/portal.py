"""The portal's side of the lane: requests for Keyhatch itself are answered here."""

import asyncio
from collections.abc import Callable

from mitmproxy import http

from addons.exchange import exchange_of, respond
from proxy.engine import Engine
from proxy.portal.connectors import View
from proxy.portal.pages import answer_portal
from proxy.portal.question import Question


class PortalPages:
    """Answers what admission decided to be for the portal."""

    def __init__(self, engine: Engine, ca_pem: Callable[[], bytes]) -> None:
        self._engine = engine
        self._ca_pem = ca_pem

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Answer a request; in a thread, as its lists may be long."""
        exchange = exchange_of(flow)
        if exchange is None or exchange.decision != "portal" or exchange.caller is None:
            return
        request = flow.request
        question = Question(
            request.method,
            request.path.partition("?")[0],
            request.headers.get("accept", ""),
            request.headers.get("if-none-match", ""),
        )
        states = await self._engine.credential_states()
        view = View(exchange.caller, self._engine.snapshot, states, self._ca_pem)
        respond(flow, await asyncio.to_thread(answer_portal, question, view))
