"""How the limits of the settings reach the layers: by the options that every layer has."""

from collections.abc import Callable
from typing import cast

from mitmproxy.options import Options
from mitmproxy.proxy.context import Context

from config.limits import Limits
from proxy.policy.held import MAX_HELD_BODY
from proxy.problems import Problem, ProblemCode

HEAD_TOO_LARGE = Problem(
    ProblemCode.LIMIT_EXCEEDED, "the request head is too large, or has too many fields", status=431
)
TOO_MANY_CONNECTIONS = Problem(
    ProblemCode.LIMIT_EXCEEDED,
    "the agent has too many open connections",
    hint="use fewer at a time, or close idle ones; the limit is `settings: limits: connections`",
    retry_after=1,
)
BODY_TOO_LARGE = Problem(
    ProblemCode.LIMIT_EXCEEDED,
    f"a request that needs approval has a body of at most {MAX_HELD_BODY} bytes",
    status=413,
)


class LimitedOptions(Options):
    """mitmproxy's options, and where the limits of the current snapshot are."""

    def __init__(self, limits: Callable[[], Limits]) -> None:
        super().__init__()
        # Anything that is set in the ordinary way would be taken for an option.
        self.__dict__["_limits"] = limits

    def limits(self) -> Limits:
        """Return the limits as they are now: a reload changes them."""
        current: Limits = self.__dict__["_limits"]()
        return current


def limits_of(context: Context) -> Limits:
    """Return the limits that a layer has to keep."""
    return cast("LimitedOptions", context.options).limits()
