from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from proxy.audit.record import Approval, Result, Subject
from proxy.telemetry.otel_spans import SpanObserver, TraceIds
from tests.support.journals import a_subject
from tests.support.meters import a_result

NOW = 1_800_000_000_000_000_000  # Unix nanoseconds
MS = 1_000_000


def spans_of(subject: Subject, result: Result) -> dict[str, ReadableSpan]:
    """Return the spans of one exchange, by name."""
    ids, kept = TraceIds(), InMemorySpanExporter()
    provider = TracerProvider(sampler=DEFAULT_ON, id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    SpanObserver(provider, ids, lambda: NOW).ended(subject, result)
    found: Sequence[ReadableSpan] = kept.get_finished_spans()
    assert len({span.name for span in found}) == len(found)
    return {span.name: span for span in found}


def _context(span: ReadableSpan) -> SpanContext:
    context: SpanContext | None = span.context
    assert context is not None
    return context


def test_an_exchange_is_a_server_span_in_the_trace_of_its_record() -> None:
    subject = a_subject()
    span = spans_of(subject, a_result())["GET hub"]
    assert span.kind is SpanKind.SERVER
    assert f"{_context(span).trace_id:032x}" == subject.trace
    assert span.parent is None
    assert (span.start_time, span.end_time) == (NOW - 12 * MS, NOW)


def test_the_agents_span_is_the_parent() -> None:
    subject = a_subject(parent="b7ad6b7169203331")
    span = spans_of(subject, a_result())["GET hub"]
    assert span.parent is not None
    assert (f"{span.parent.span_id:016x}", span.parent.is_remote) == ("b7ad6b7169203331", True)
    assert f"{span.parent.trace_id:032x}" == subject.trace


def test_what_was_waited_for_is_told_in_order() -> None:
    result = a_result(ms=12.0, ms_decision=1.0, ms_token=2.0, ms_first_byte=11.0)
    spans = spans_of(a_subject(), result)
    began, whole, upstream = NOW - 12 * MS, spans["GET hub"], spans["upstream"]
    assert [(event.name, event.timestamp) for event in whole.events] == [
        ("decided", began + MS),
        ("credential", began + 3 * MS),
    ]
    assert (upstream.start_time, upstream.end_time) == (began + 3 * MS, began + 11 * MS)
    assert upstream.parent is not None
    assert upstream.parent.span_id == _context(whole).span_id


def test_the_operators_answer_is_told_between() -> None:
    subject = a_subject(approval=Approval("yes", "cli", 4.0, "0"))
    result = a_result(ms=12.0, ms_decision=1.0, ms_token=2.0, ms_first_byte=11.0)
    spans = spans_of(subject, result)
    names = [event.name for event in spans["GET hub"].events]
    assert names == ["decided", "answered", "credential"]
    assert spans["upstream"].start_time == NOW - 5 * MS


def test_what_was_not_waited_for_is_not_there() -> None:
    refused = a_result(status=403, code="egress-denied", ms_token=None, ms_first_byte=None)
    spans = spans_of(a_subject(), refused)
    assert set(spans) == {"GET hub"}
    assert [event.name for event in spans["GET hub"].events] == ["decided"]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (a_result(), StatusCode.UNSET),
        (a_result(status=404), StatusCode.UNSET),
        (a_result(status=500), StatusCode.ERROR),
        (a_result(status=403, code="egress-denied"), StatusCode.ERROR),
    ],
)
def test_refusals_and_faults_are_errors(result: Result, status: StatusCode) -> None:
    assert spans_of(a_subject(), result)["GET hub"].status.status_code is status


def test_attributes_are_what_the_record_has() -> None:
    subject = a_subject(connector=None, decision="refuse", reason="egress-denied", agent=None)
    span = spans_of(subject, a_result(status=403, code="egress-denied"))["GET"]
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/crm",
        "server.address": "api.hubapi.com",
        "server.port": 443,
        "http.response.status_code": 403,
        "http.request.body.size": 0,
        "http.response.body.size": 0,
        "error.type": "egress-denied",
        "keyhatch.id": "1",
        "keyhatch.lease": False,
        "keyhatch.decision": "refuse",
        "keyhatch.reason": "egress-denied",
    }
