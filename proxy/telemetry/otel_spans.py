"""Spans of exchanges, made when they have ended: what an outcome record tells, in OpenTelemetry's words."""

import time
from collections.abc import Callable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from proxy.audit.record import Result, Subject
from proxy.telemetry.observer import Renewal

SCOPE: Final = "keyhatch"
_SERVER_FAULT: Final = 500
_MS: Final = 1_000_000  # nanoseconds

type _Value = str | int | bool


class TraceIds(RandomIdGenerator):
    """Gives a root span the trace id that the audit log has; belongs to one event loop."""

    def __init__(self) -> None:
        self.trace = 0

    def generate_trace_id(self) -> int:
        return self.trace or super().generate_trace_id()


class SpanObserver:
    """Makes one server span for each exchange, with what it waited for."""

    def __init__(
        self, provider: TracerProvider, ids: TraceIds, now: Callable[[], int] = time.time_ns
    ) -> None:
        self._tracer = provider.get_tracer(SCOPE)
        self._ids = ids
        self._now = now

    def ended(self, subject: Subject, result: Result) -> None:
        now = self._now()
        began = now - _ns(result.ms)
        self._ids.trace = int(subject.trace, 16)
        span = self._tracer.start_span(
            _name(subject),
            _parent(subject),
            SpanKind.SERVER,
            _attributes(subject, result),
            start_time=began,
        )
        if span.is_recording():
            if result.code is not None or (result.status or 0) >= _SERVER_FAULT:
                span.set_status(Status(StatusCode.ERROR))
            self._tell_steps(span, began, subject, result)
        span.end(now)

    def renewed(self, connector: str, renewal: Renewal) -> None:
        pass

    def unrecorded(self) -> None:
        pass

    def _tell_steps(self, span: Span, began: int, subject: Subject, result: Result) -> None:
        """Tell decision and credential as events, which cost a tenth of a span, the rest as one."""
        at = began
        approval = None if subject.approval is None else subject.approval.ms
        steps = {
            "decided": result.ms_decision,
            "answered": approval,
            "credential": result.ms_token,
        }
        for name, waited in steps.items():
            if waited is not None:
                at += _ns(waited)
                span.add_event(name, timestamp=at)
        if result.ms_first_byte is not None:
            context = set_span_in_context(span, Context())
            upstream = self._tracer.start_span("upstream", context, SpanKind.CLIENT, start_time=at)
            upstream.end(max(at, began + _ns(result.ms_first_byte)))


def _parent(subject: Subject) -> Context:
    """Return the agent's own span as what the exchange belongs to, if it named one.

    It counts as sampled whatever the agent says: no agent keeps itself out of the traces.
    """
    if subject.parent is None:
        return Context()
    trace, span = int(subject.trace, 16), int(subject.parent, 16)
    flags = TraceFlags(TraceFlags.SAMPLED)
    parent = SpanContext(trace, span, is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _name(subject: Subject) -> str:
    return subject.method if subject.connector is None else f"{subject.method} {subject.connector}"


def _attributes(subject: Subject, result: Result) -> dict[str, _Value]:
    found: dict[str, _Value | None] = {
        "http.request.method": subject.method,
        "http.route": subject.path,
        "server.address": subject.host,
        "server.port": subject.port,
        "http.response.status_code": result.status,
        "http.request.body.size": result.bytes_in,
        "http.response.body.size": result.bytes_out,
        "error.type": result.code,
        "keyhatch.id": subject.id,
        "keyhatch.agent": subject.agent,
        "keyhatch.lease": subject.lease,
        "keyhatch.connector": subject.connector,
        "keyhatch.decision": subject.decision,
        "keyhatch.reason": subject.reason,
        "keyhatch.rule": subject.rule,
    }
    return {name: value for name, value in found.items() if value is not None}


def _ns(milliseconds: float) -> int:
    return int(milliseconds * _MS)
