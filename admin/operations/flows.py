"""Connects that are under way in a server: begun by one request, watched and answered by others."""

import secrets
import threading
from typing import TYPE_CHECKING, Final

from admin.lookup import find_connector
from admin.operations.connections import require_ready
from admin.operations.flow import Flow, FlowState
from admin.operations.place import Place
from config.connector import Connector
from config.errors import ConflictError, NotFoundError, UsageError
from config.oauth import OAuthClient
from proxy.secret import accept_secret

if TYPE_CHECKING:
    from admin.operations.connecting import Connection, Plan

PATIENCE: Final = 15.0  # seconds that is waited for what to show next
WAYS: Final = ("browser", "paste", "device")


class Flows:
    """The flows of one server: at most one of each connector, remembered until the next."""

    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}
        self._lock = threading.Lock()

    def start(
        self,
        place: Place,
        name: str,
        way: str = "browser",
        *,
        refresh_token: str | None = None,
        by: str = "",
    ) -> FlowState:
        """Begin to connect a connector, and return once there is something to show, or the end.

        `way` is one of WAYS where a person consents; other grants have their own. Raises
        ConflictError where one is under way, OperatorNeededError where something is to be done
        first, UsageError for a way that the grant does not have.
        """
        registry = place.registry()
        connector = find_connector(registry, name)
        client = require_ready(place, connector)
        plan = _plan(client, way, refresh_token)
        flow = self._enter(connector, plan.way.value)
        begun = flow.state

        def work(guide: Flow) -> "Connection":
            from admin.operations.connecting import connect
            from admin.operations.desk import open_desk

            with open_desk(place, registry, connector) as desk:
                return connect(desk, client, plan, guide, by=by)

        threading.Thread(target=flow.run, args=(work,), name="connect", daemon=True).start()
        return flow.wait(begun, PATIENCE)

    def state(self, connector: Connector) -> FlowState:
        """Return the newest flow of a connector. Raises NotFoundError where there was none."""
        return self._of(connector).state

    def paste(self, connector: Connector, address: str) -> FlowState:
        """Hand in the address that the browser ended at; return what came of it within a while."""
        flow = self._of(connector)
        before = flow.state
        flow.paste(address)
        return flow.wait(before, PATIENCE)

    def cancel(self, connector: Connector) -> None:
        """End a connector's flow, if it has not ended. Raises NotFoundError where there was none."""
        self._of(connector).cancel()

    def close(self) -> None:
        """End all: the server stops."""
        with self._lock:
            flows = list(self._flows.values())
        for flow in flows:
            flow.cancel()

    def _of(self, connector: Connector) -> Flow:
        with self._lock:
            flow = self._flows.get(connector.id)
        if flow is None:
            raise NotFoundError(
                f"connector {connector.slug} is not being connected", hint="start it first"
            )
        return flow

    def _enter(self, connector: Connector, way: str) -> Flow:
        with self._lock:
            known = self._flows.get(connector.id)
            if known is not None and not known.state.phase.is_over:
                raise ConflictError(
                    f"connector {connector.slug} is being connected already",
                    hint="go on with that, or cancel it first",
                )
            flow = Flow(FlowState(secrets.token_urlsafe(9), connector.slug, way))
            self._flows[connector.id] = flow
            return flow


def _plan(client: OAuthClient, way: str, refresh_token: str | None) -> "Plan":
    from admin.operations.connecting import Plan, Way, choose_way

    if way not in WAYS:
        raise UsageError(f"{way!r} is no way to connect", hint=f"one of {', '.join(WAYS)}")
    chosen = choose_way(client, device=way == "device", paste=way == "paste")
    if chosen is not Way.REFRESH_TOKEN:
        return Plan(chosen)
    if not refresh_token:
        raise UsageError("no refresh token is given", hint="paste the newest one that you have")
    return Plan(chosen, accept_secret(refresh_token, what="refresh token"))
