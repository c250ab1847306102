"""What is under way, and that it ends: a lane that drains waits for nothing that is over."""

from pathlib import Path

from mitmproxy.test import tflow

from addons.exchange import Exchange, Traffic, exchange_of
from tests.support.lane import running_lane


def an_exchange() -> Exchange:
    return Exchange(agent="a", method="GET", host="h.example", port=443, path="/", trace="0" * 32)


def test_what_is_under_way_ends_with_its_agents_connection_and_no_other(tmp_path: Path) -> None:
    with running_lane(tmp_path / "home", "version: 1\n", {}) as lane:
        traffic = Traffic(lane.engine)
        gone, stays = tflow.tflow(), tflow.tflow()
        traffic.begin(gone, an_exchange())
        traffic.begin(stays, an_exchange())
        traffic.client_ended(gone.client_conn.id)
        ended, open_still = exchange_of(gone), exchange_of(stays)
        assert ended is not None
        assert open_still is not None
        assert (ended.ended, ended.client_gone) == (True, True)
        assert not open_still.ended
        assert not traffic.drained.is_set()
        traffic.client_ended(stays.client_conn.id)
        assert traffic.drained.is_set()
        traffic.end(ended)
        assert len(lane.outcomes(2)) == 2
