import re

import pytest

from proxy.audit.trace import Trace, trace_of

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "field", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-more"]
)
def test_a_request_stays_in_its_trace(field: str) -> None:
    assert trace_of([field]) == Trace(TRACE, PARENT)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [""],
        [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01"],
        [f"00-{'0' * 32}-{PARENT}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"ff-{TRACE}-{PARENT}-01"],
        [f"00-{TRACE}-{PARENT}-01-more"],
        [f"00-{TRACE.upper()}-{PARENT}-01"],
        [f"00-{TRACE}-{PARENT}-01\n"],
        ["00-<script>-x-01"],
    ],
)
def test_without_a_valid_field_a_new_trace_begins(fields: list[str]) -> None:
    found, parent = trace_of(fields)
    assert parent is None
    assert re.fullmatch(r"[0-9a-f]{32}", found)
    assert found not in {TRACE, "0" * 32}
    assert trace_of(fields).id != found
