"""When tokens were last used, kept now and then: no request waits for it."""

import asyncio
from typing import Final

import structlog

from config.errors import KeyhatchError
from proxy.callers import Callers
from proxy.vault.tokens import AgentTokens

INTERVAL: Final = 60.0  # seconds that what the operator sees may be behind
log = structlog.get_logger()


async def note_uses(callers: Callers, tokens: AgentTokens) -> None:
    """Keep the times of use, and sweep expired tokens, until cancelled."""
    while True:
        await note_uses_once(callers, tokens)
        await asyncio.sleep(INTERVAL)


async def note_uses_once(callers: Callers, tokens: AgentTokens) -> None:
    """Keep what was noted since the last time; a disk that refuses costs those times only."""
    try:
        await asyncio.to_thread(tokens.note_uses, callers.take_uses())
    except KeyhatchError as error:
        log.warning("times of use not kept", error=str(error))
