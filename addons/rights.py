"""By what right a tunnel or a WebSocket stays open, looked at while it does (invariant 16)."""

import asyncio
from typing import Final, Protocol

from config.connector import Connector
from config.destination import Destination
from proxy.engine import Engine
from proxy.policy.authority import RequestHead
from proxy.policy.decision import Caller, Inject, Refuse, Tunnel
from proxy.problems import Problem, ProblemCode

# Of an access token that cannot be had: for these, it will not be there in a moment either.
_ENDED: Final = frozenset(
    {
        ProblemCode.CONNECTOR_CHANGED,
        ProblemCode.CONNECTOR_NOT_GRANTED,
        ProblemCode.CREDENTIAL_MISSING,
        ProblemCode.NEEDS_REAUTHORIZATION,
    }
)


class Right(Protocol):
    """What something that stays open was allowed by."""

    def lost(self) -> ProblemCode | None:
        """Return why it would not be allowed now, or None where it would."""

    def look(self) -> None:
        """Begin to look at what takes time, for a later `lost`. Called on the event loop."""


class TunnelRight:
    """The right to a tunnel whose bytes nobody reads: the agent's token, and the policy."""

    __slots__ = ("_destination", "_digest", "_engine")

    def __init__(self, engine: Engine, digest: bytes | None, destination: Destination) -> None:
        self._engine = engine
        self._digest = digest
        self._destination = destination

    def lost(self) -> ProblemCode | None:
        caller = self._engine.identify(self._digest)
        if caller is None:
            return ProblemCode.PROXY_AUTHENTICATION_REQUIRED
        decision = self._engine.decide_tunnel(self._destination, caller)
        if isinstance(decision, Tunnel):
            return None
        # A connector owns the host now: what goes there has to be seen.
        return _code(decision) or ProblemCode.CONNECTOR_NOT_GRANTED

    def look(self) -> None:
        """Do nothing: all of it is at hand."""


class SocketRight:
    """The right to a WebSocket: also the connector as it was, and the credential that it began with.

    An access token that was renewed since is no other credential.
    """

    __slots__ = ("_connector", "_digest", "_ended", "_engine", "_head", "_looking", "_material")

    def __init__(
        self,
        engine: Engine,
        digest: bytes | None,
        head: RequestHead,
        connector: Connector,
    ) -> None:
        self._engine = engine
        self._digest = digest
        self._head = head
        self._connector = connector
        self._material = engine.material(connector)
        self._ended: ProblemCode | None = None
        self._looking: asyncio.Task[None] | None = None

    def lost(self) -> ProblemCode | None:
        caller = self._engine.identify(self._digest)
        if caller is None:
            return ProblemCode.PROXY_AUTHENTICATION_REQUIRED
        return self._refused(caller) or self._changed() or self._ended

    def _refused(self, caller: Caller) -> ProblemCode | None:
        decision = self._engine.decide(self._head, caller)
        if isinstance(decision, Inject) and decision.connector == self._connector:
            return None
        return _code(decision) or ProblemCode.CONNECTOR_CHANGED

    def _changed(self) -> ProblemCode | None:
        stored = self._engine.material(self._connector)
        if isinstance(stored, Problem):
            return stored.code
        return None if stored == self._material else ProblemCode.CONNECTOR_CHANGED

    def look(self) -> None:
        """Ask whether there still is an access token, which may have to be refreshed first."""
        busy = self._looking is not None and not self._looking.done()
        if self._connector.oauth is not None and not busy:
            self._looking = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        material = await self._engine.credential(self._connector)
        if isinstance(material, Problem) and material.code in _ENDED:
            self._ended = material.code


def _code(decision: object) -> ProblemCode | None:
    return decision.problem.code if isinstance(decision, Refuse) else None
