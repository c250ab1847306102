"""Token sets in the vault, each with its refresh state, as one unit that is written or not.

Every method blocks for as long as the disk takes; on an event loop it runs in a thread.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from config.connector import Connector, binding_of
from config.oauth import TOKEN_SET
from proxy.oauth.failure import TokenFailure
from proxy.oauth.schedule import Random
from proxy.oauth.state import begun, ended, failed, renewed
from proxy.oauth.token_set import TokenSet, dump, load
from proxy.secret import Secret
from proxy.vault.record import Place
from proxy.vault.refresh_state import RefreshState


class TokenVault(Protocol):
    """The part of the vault that keeps what is renewed."""

    def read_renewable(
        self, connector_id: str, slot: str, binding: bytes
    ) -> tuple[Secret | None, RefreshState]: ...

    def write_state(self, state: RefreshState) -> RefreshState | None: ...

    def write_renewed(
        self, place: Place, secret: Secret, state: RefreshState
    ) -> RefreshState | None: ...

    def put_renewable(self, place: Place, secret: Secret, state: RefreshState) -> RefreshState: ...

    def forget_renewable(self, connector_id: str, slot: str) -> None: ...

    def states(self) -> Mapping[str, RefreshState]: ...


@dataclass(frozen=True, slots=True)
class Held:
    """A connector's tokens and their state at one moment; `saved` is False while no disk has them."""

    token_set: TokenSet | None
    state: RefreshState
    saved: bool = True


class TokenStore:
    """The token sets of one vault. Methods raise KeyhatchError for what the vault refuses."""

    def __init__(self, vault: TokenVault, *, now: Callable[[], datetime], random: Random) -> None:
        self._vault = vault
        self._now = now
        self._random = random

    def read(self, connector: Connector) -> Held:
        """Return what is stored, of one moment.

        Raises BindingChangedError, TokenSetDamagedError and VaultDamagedError.
        """
        secret, state = self._vault.read_renewable(connector.id, TOKEN_SET, binding_of(connector))
        return Held(None if secret is None else load(secret), state)

    def states(self) -> Mapping[str, RefreshState]:
        """Return the refresh states of all connectors by id; opens no token set."""
        return self._vault.states()

    def adopt(self, connector: Connector, token_set: TokenSet) -> Held:
        """Store the tokens that the operator has just obtained, in place of whatever was there."""
        blank = RefreshState(connector.id)
        state = renewed(blank, connector, token_set, self._now(), self._random)
        written = self._vault.put_renewable(_place(connector), dump(token_set), state)
        return Held(token_set, written)

    def forget(self, connector: Connector) -> None:
        """Delete a connector's tokens; a refresh that is under way will not bring them back."""
        self._vault.forget_renewable(connector.id, TOKEN_SET)

    def mark(self, held: Held, *, forced: bool) -> Held | None:
        """Put on disk that the provider is about to be asked; None when `held` is no longer current."""
        state = self._vault.write_state(begun(held.state, self._now(), forced=forced))
        return None if state is None else replace(held, state=state)

    def unmark(self, marked: Held, before: Held) -> None:
        """Take a marker off again: the provider was not asked."""
        self._vault.write_state(replace(marked.state, pending_since=before.state.pending_since))

    def renew(self, connector: Connector, held: Held, token_set: TokenSet) -> Held | None:
        """Replace the token set that was `held` by the one that the provider gave for it.

        On disk on return. None when it is not what is stored any more: deleted or replaced.
        """
        held = self.renewed(connector, held, token_set)
        state = self._vault.write_renewed(_place(connector), dump(token_set), held.state)
        return None if state is None else Held(token_set, state)

    def renewed(self, connector: Connector, held: Held, token_set: TokenSet) -> Held:
        """Return what `renew` would store; writes nothing."""
        state = renewed(held.state, connector, token_set, self._now(), self._random)
        return Held(token_set, state, saved=False)

    def fail(self, held: Held, failure: TokenFailure, *, cut_off: bool) -> Held | None:
        """Note that the provider gave no tokens; None when `held` is no longer current."""
        return self._write(held, self.failed(held, failure, cut_off=cut_off))

    def failed(self, held: Held, failure: TokenFailure, *, cut_off: bool = False) -> Held:
        """Return what `fail` would store; writes nothing."""
        now = self._now()
        return replace(held, state=failed(held.state, failure, now, self._random, cut_off=cut_off))

    def end(self, held: Held) -> Held | None:
        """Note that the last token has expired for good; None when `held` is no longer current."""
        return self._write(held, replace(held, state=ended(held.state, self._now())))

    def _write(self, held: Held, after: Held) -> Held | None:
        state = self._vault.write_state(after.state)
        return None if state is None else replace(held, state=state)


def _place(connector: Connector) -> Place:
    return Place(connector.id, TOKEN_SET, binding_of(connector))
