"""Running what goes out to the network from a command: on a loop that connects nowhere by itself."""

import asyncio
import time
from collections.abc import Coroutine

from proxy.server.dialer import Dialer, VettedLoop, is_own_address, resolve_by_system


def run_vetted[T](main: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end on a loop that refuses addresses which are not public.

    Drivers with dial entries of their own go by those (invariant 11).
    """
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(main)


def _loop() -> VettedLoop:
    loop = VettedLoop()
    loop.dialer = Dialer(
        dial_table=lambda _host, _port: None,
        resolve=resolve_by_system,
        monotonic=time.monotonic,
        is_own_address=is_own_address,
    )
    return loop
