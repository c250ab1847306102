"""The lane put together: which addons there are, and the order in which their hooks run."""

from collections.abc import Callable

from addons.admission import Admission
from addons.approval import Approving
from addons.exchange import Traffic
from addons.injection import Injection
from addons.lane import MitmproxyLane
from addons.next_layer import NextLayer
from addons.outcome import Outcome
from addons.portal import PortalPages
from addons.response import ResponseScrubbing
from addons.tls import Tls
from proxy.engine import Engine
from proxy.server.dialer import Dialer
from proxy.server.trust import Trust


def mitmproxy_lane(engine: Engine, dialer: Dialer, trust: Callable[[], Trust]) -> MitmproxyLane:
    """Return a lane that asks an engine."""
    traffic = Traffic(engine)
    return MitmproxyLane(traffic, *lane_addons(engine, dialer, trust, traffic))


def lane_addons(
    engine: Engine, dialer: Dialer, trust: Callable[[], Trust], traffic: Traffic
) -> tuple[object, ...]:
    """Return the addons in the order in which their hooks run.

    Admission decides before injection places, and approval is asked for between the two; scrubbing rewrites before the outcome is recorded.
    """
    return (
        NextLayer(traffic),
        Tls(traffic, trust),
        Admission(engine, dialer, traffic),
        PortalPages(engine, lambda: trust().ca_pem),
        Approving(engine),
        Injection(engine),
        ResponseScrubbing(traffic.limits),
        Outcome(traffic),
    )
