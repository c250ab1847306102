"""The engine: what a lane asks about a request. Holds the one reference that a reload swaps."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

import structlog

from config.connector import Connector, binding_of
from config.destination import Destination
from config.errors import KeyhatchError
from config.oauth import ACCESS_TOKEN
from proxy.audit.journal import AuditUnavailableError, Journal
from proxy.audit.record import Result, Subject, intent_members, outcome_members
from proxy.callers import Callers, presented_digest
from proxy.oauth.token_set import TokenSet
from proxy.policy.approvals import Approvals
from proxy.policy.authority import RequestHead
from proxy.policy.decision import (
    Caller,
    Decision,
    Inject,
    TunnelDecision,
    decide,
    decide_tunnel,
)
from proxy.policy.snapshot import Snapshot
from proxy.policy.usage import Usage
from proxy.problems import Problem, ProblemCode
from proxy.secret import Secret
from proxy.telemetry.observer import Observers
from proxy.vault.errors import BindingChangedError, SecretMissingError
from proxy.vault.inventory import CredentialState, Inventory

NO_FACTS: Final[Mapping[str, object]] = MappingProxyType({})
log = structlog.get_logger()


class SecretSource(Protocol):
    """The part of the vault that the engine reads."""

    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:
        """Open one secret. Raises SecretMissingError, BindingChangedError, KeyhatchError."""


class TokenSource(Protocol):
    """The part of the refresher that the engine asks."""

    def ready(self, connector: Connector) -> TokenSet | None:
        """Return tokens that are at hand and valid; a look-up."""

    async def current(self, connector: Connector) -> TokenSet | Problem:
        """Return valid tokens, refreshed where that is needed."""

    async def replace_refused(self, connector: Connector, refused: TokenSet) -> TokenSet | None:
        """Return other tokens than those that an upstream refused, or None."""


@dataclass(frozen=True, slots=True)
class Material:
    """A connector's opened secrets by slot; `token_set` is where an access token came from."""

    secrets: Mapping[str, Secret]
    token_set: TokenSet | None = None

    def reveal(self) -> dict[str, str]:
        """Return the values, for placing; the caller lets go of them."""
        return {slot: secret.reveal() for slot, secret in self.secrets.items()}


class Engine:
    """Answers for one lane, on one event loop; every answer is made from the current snapshot."""

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        callers: Callers,
        secrets: SecretSource,
        journal: Journal,
        now: Callable[[], datetime],
        tokens: TokenSource | None = None,
        inventory: Callable[[], Inventory] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        observers: Observers | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.callers = callers
        self._secrets = secrets
        self._journal = journal
        self._journal.rotation = snapshot.registry.settings.audit
        self._now = now
        self._tokens = tokens
        self._usage = Usage(monotonic)
        self.approvals = Approvals(monotonic)
        self._materials: dict[str, Material] = {}
        self._read_inventory = inventory
        self._inventory: Inventory | None = None
        self.observers = observers or Observers()
        self.unrecorded = 0
        self.is_recording = True

    def swap(self, snapshot: Snapshot) -> None:
        """Take up a new state; opened secrets are forgotten, so that a new one is read."""
        self.snapshot = snapshot
        self._journal.rotation = snapshot.registry.settings.audit
        self._materials = {}
        self._inventory = None

    async def credential_states(self) -> Callable[[Connector], CredentialState | None]:
        """Return what tells how a connector's secrets are; None where the vault does not say.

        Read in a thread, once per state of the vault.
        """
        found = self._inventory
        if found is None and self._read_inventory is not None:
            materials = self._materials
            try:
                found = await asyncio.to_thread(self._read_inventory)
            except KeyhatchError as error:
                log.error("vault not read", error=str(error))  # noqa: TRY400 - as below
            if self._materials is materials:  # else: swapped while it was being read
                self._inventory = found
        return (lambda _connector: None) if found is None else found.state

    def digest(self, proxy_authorization: str | None) -> bytes | None:
        """Return the digest of the agent token that a request presents, or None."""
        return None if proxy_authorization is None else presented_digest(proxy_authorization)

    def identify(self, digest: bytes | None) -> Caller | None:
        """Return who a token digest stands for now; None when no one, or no longer."""
        if digest is None:
            return None
        return self.callers.identify(digest, self.snapshot.registry, self._now())

    def has_expired(self, digest: bytes) -> bool:
        """Tell whether a digest is that of a token whose time is over."""
        return self.callers.has_expired(digest, self._now())

    def decide(self, head: RequestHead, caller: Caller) -> Decision:
        return decide(head, caller, self.snapshot, self._now())

    def enter(self, caller: Caller, decision: Inject) -> Problem | None:
        """Count a request in; None, or the limit that it is over. Those counted in `leave` once."""
        connector = decision.connector
        exceeded = self._usage.enter((caller.name, connector.id), decision.quota)
        if exceeded is None:
            return None
        return Problem(
            ProblemCode.LIMIT_EXCEEDED,
            f"this agent's limit for {connector.slug} is {exceeded.limit}",
            connector=connector.slug,
            hint="try again after the time in Retry-After",
            retry_after=math.ceil(exceeded.wait),
        )

    def leave(self, caller: Caller, connector: Connector) -> None:
        """Count a request out."""
        self._usage.leave((caller.name, connector.id))

    def decide_tunnel(self, destination: Destination, caller: Caller) -> TunnelDecision:
        return decide_tunnel(destination, caller, self.snapshot)

    async def credential(self, connector: Connector) -> Material | Problem:
        """Return all that a connector's placements need, or why there is none.

        Waits only where an access token has to be refreshed; the connector may be gone by then.
        """
        stored = self.material(connector)
        if isinstance(stored, Problem) or connector.oauth is None:
            return stored
        if self._tokens is None:
            return _problem(ProblemCode.CREDENTIAL_MISSING, connector, "connect {}")
        ready = self._tokens.ready(connector)
        if ready is not None:
            return _with_token(stored, ready)
        token_set = await self._tokens.current(connector)
        if not self._is_declared(connector):
            detail = f"the connector {connector.slug} was changed in the meantime"
            return Problem(ProblemCode.CONNECTOR_NOT_GRANTED, detail, connector=connector.slug)
        return token_set if isinstance(token_set, Problem) else _with_token(stored, token_set)

    async def renewed_credential(self, connector: Connector, refused: Material) -> Material | None:
        """Return secrets with another access token than the one that an upstream refused.

        None where there is none, or where the connector was changed or deleted in the meantime.
        """
        if self._tokens is None or refused.token_set is None:
            return None
        token_set = await self._tokens.replace_refused(connector, refused.token_set)
        if token_set is None or not self._is_declared(connector):
            return None
        return _with_token(refused, token_set)

    def _is_declared(self, connector: Connector) -> bool:
        """Tell whether a connector is still what it was before something was waited for."""
        return self.snapshot.registry.connectors.get(connector.slug) == connector

    def material(self, connector: Connector) -> Material | Problem:
        """Return what the vault has for a connector's placements, or why there is nothing.

        Opened once per snapshot.
        """
        known = self._materials.get(connector.id)
        if known is not None:
            return known
        try:
            binding = binding_of(connector)
            slots = [slot for slot in connector.placement_slots if slot != ACCESS_TOKEN]
            material = Material(
                {slot: self._secrets.get(connector.id, slot, binding) for slot in slots}
            )
        except SecretMissingError:
            return _problem(ProblemCode.CREDENTIAL_MISSING, connector, "set {} --secret-stdin")
        except BindingChangedError:
            return _problem(ProblemCode.CONNECTOR_CHANGED, connector, "confirm {}")
        except KeyhatchError as error:
            # A damaged record, a vault that is busy: the agent learns only that there is none.
            log.error("credential not opened", connector=connector.slug, error=str(error))  # noqa: TRY400 - no trace: it may hold what was opened
            return _problem(ProblemCode.CREDENTIAL_MISSING, connector, "show {}")
        self._materials[connector.id] = material
        return material

    def record_intent(self, subject: Subject) -> None:
        """Put on record that something is about to leave. Raises AuditUnavailableError."""
        now = self._now()
        try:
            self._journal.append(now, intent_members(now, subject))
        except AuditUnavailableError:
            self.observers.only.unrecorded()
            raise

    def record_act(self, facts: Mapping[str, object]) -> None:
        """Put on record what an operator did, or the proxy itself. Raises AuditUnavailableError."""
        self._journal.note(self._now(), "admin", facts)

    def note_act(self, action: str, facts: Mapping[str, object] = NO_FACTS) -> None:
        """Put on record what the proxy itself did; what cannot be written is logged."""
        try:
            self.record_act({"action": action, **facts, "by": "proxy"})
        except AuditUnavailableError as error:
            log.error("not in the audit log", action=action, error=str(error))  # noqa: TRY400 - no trace

    def record_outcome(self, subject: Subject, result: Result) -> bool:
        """Put on record how a request ended; False when the journal cannot be written.

        It has ended by then, so it is counted as `unrecorded`; the next one is refused before it
        leaves, unless its own intent can be written.
        """
        now = self._now()
        self.observers.only.ended(subject, result)
        try:
            self._journal.append(now, outcome_members(now, subject, result))
        except AuditUnavailableError as error:
            self._report_lost(error)
            return False
        if self.unrecorded and not self.is_recording:
            log.warning("audit log written again", outcomes_lost=self.unrecorded)
        self.is_recording = True
        return True

    def _report_lost(self, error: AuditUnavailableError) -> None:
        """Count an outcome that is on no record; the first of a row is logged."""
        self.unrecorded += 1
        self.observers.only.unrecorded()
        if self.is_recording:
            log.error("audit log not written, nothing is forwarded", error=str(error))
        self.is_recording = False


def _with_token(material: Material, token_set: TokenSet) -> Material:
    return Material({**material.secrets, ACCESS_TOKEN: token_set.access_token}, token_set)


def _problem(code: ProblemCode, connector: Connector, command: str) -> Problem:
    slug = connector.slug
    details = {
        ProblemCode.CREDENTIAL_MISSING: f"the connector {slug} has no usable credential",
        ProblemCode.CONNECTOR_CHANGED: f"the connector {slug} changed where its credential goes",
    }
    hint = f"the operator runs `keyhatch connector {command.format(slug)}`"
    return Problem(code, details[code], connector=slug, hint=hint)
