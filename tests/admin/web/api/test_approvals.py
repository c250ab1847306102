"""What the API tells of a waiting request is what the proxy says of it, field by field."""

import asyncio

from admin.web.api import models
from proxy.policy.approvals import Approvals
from proxy.policy.held import HeldRequest
from proxy.server.approval_desk import answer_desk


def test_every_field_of_the_proxy_is_told() -> None:
    approvals = Approvals(lambda: 0.0, lambda: "one")
    seat = approvals.seat("ada")
    assert seat is not None
    held = HeldRequest("ada", "hub", "POST", url="https://x.example/", fields=(), body=b"hello")
    seat.ask(held, 60, lambda _verdict: None)
    reply = asyncio.run(answer_desk(approvals, {"op": "approvals"}))
    told = models.Approvals.model_validate(reply)
    assert told.model_dump() == reply
    whole = asyncio.run(answer_desk(approvals, {"op": "approval", "id": "one"}))
    assert models.WaitingWhole.model_validate(whole).model_dump() == whole
