import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audit.record import Approval
from proxy.problems import ProblemCode
from proxy.telemetry.meters import Histogram, Meters, response_class
from proxy.telemetry.observer import NOBODY, Observers, Renewal
from tests.support.journals import a_subject
from tests.support.meters import a_result


class TestMeters:
    def test_what_ended_is_counted_by_decision_and_code(self) -> None:
        meters = Meters()
        refused = ProblemCode.EGRESS_DENIED.value
        meters.ended(a_subject(), a_result())
        meters.ended(a_subject(), a_result())
        meters.ended(a_subject(decision="refuse"), a_result(status=403, code=refused))
        assert meters.requests == {("inject", ""): 2, ("refuse", refused): 1}
        assert meters.responses == {"2xx": 2, "4xx": 1}

    def test_upstream_time_is_what_was_neither_deciding_nor_waiting_for_the_token(self) -> None:
        meters = Meters()
        meters.ended(a_subject(), a_result(ms_decision=1.0, ms_token=2.0, ms_first_byte=10.0))
        assert meters.upstream.sum == pytest.approx(0.007)
        assert (meters.decision.sum, meters.token.sum) == pytest.approx((0.001, 0.002))

    def test_the_operators_time_to_answer_is_not_the_services(self) -> None:
        meters = Meters()
        approval = Approval("yes", "cli", 5000.0, "0")
        meters.ended(a_subject(approval=approval), a_result(ms_first_byte=5011.0))
        assert meters.upstream.sum == pytest.approx(0.010)

    def test_what_never_began_is_in_no_histogram(self) -> None:
        meters = Meters()
        spent = {"ms_decision": None, "ms_token": None, "ms_first_byte": None}
        meters.ended(a_subject(), a_result(status=None, **spent))
        counted = [h.cumulative()[-1][1] for h in (meters.decision, meters.token, meters.upstream)]
        assert counted == [0, 0, 0]
        assert meters.responses == {"other": 1}

    @given(st.text(), st.text(), st.text(), st.text())
    def test_nothing_that_an_agent_chooses_makes_a_new_label(
        self, method: str, host: str, path: str, reason: str
    ) -> None:
        meters = Meters()
        meters.ended(a_subject(method=method, host=host, path=path, reason=reason), a_result())
        assert meters.requests == {("inject", ""): 1}

    @pytest.mark.parametrize(
        ("status", "told"),
        [(100, "1xx"), (204, "2xx"), (599, "5xx"), (600, "other"), (99, "other"), (None, "other")],
    )
    def test_classes_are_those_of_http(self, status: int | None, told: str) -> None:
        assert response_class(status) == told


class TestHistogram:
    @given(st.lists(st.floats(min_value=-10, max_value=10_000)))
    def test_each_duration_is_within_its_bound_and_all_above(self, durations: list[float]) -> None:
        histogram = Histogram((0.5, 2.0))
        for duration in durations:
            histogram.observe(duration)
        seconds = [max(0.0, duration / 1000) for duration in durations]
        assert histogram.cumulative() == [
            (bound, sum(s <= bound for s in seconds)) for bound in (0.5, 2.0, float("inf"))
        ]
        assert histogram.sum == pytest.approx(sum(seconds))


class TestObservers:
    def test_nobody_is_told_until_somebody_wants_to_know(self) -> None:
        assert Observers().only is NOBODY

    def test_all_who_want_to_know_are_told(self) -> None:
        observers, first, second = Observers(), Meters(), Meters()
        observers.add(first)
        observers.add(second)
        observers.only.ended(a_subject(), a_result())
        observers.only.renewed("hub", Renewal.RENEWED)
        observers.only.unrecorded()
        for meters in (first, second):
            assert sum(meters.requests.values()) == 1
            assert meters.renewals == {("hub", Renewal.RENEWED): 1}
            assert meters.records_lost == 1

    def test_who_was_removed_is_told_no_more(self) -> None:
        observers, first, second = Observers(), Meters(), Meters()
        observers.add(first)
        observers.add(second)
        observers.remove(first)
        assert observers.only is second
        observers.remove(second)
        assert observers.only is NOBODY
