"""Looking at a home and at the proxy that serves it; no secret is opened."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from admin.context import Session
from admin.doctor.view import Authority, Fault, Installation
from admin.operations.view import status_of
from certs.ca_certificate import load_ca_certificate
from certs.constraints import constrained_names
from certs.roots import decode_pem, system_roots, upstream_roots, without_key
from config.connector import Registry
from config.errors import KeyhatchError
from config.home import Home
from proxy.server.control_client import request
from proxy.vault.tokens import AgentTokens


def look_at_installation(session: Session) -> Installation:
    """Return the facts of the session's home; one that is not sound is looked at no further."""
    home = session.home
    found = Installation(home.root)
    if fault := _fault_of(home.require):
        return replace(found, home_fault=fault)
    found = _look_at_secrets(session, _look_at_configuration(session, found))
    found = _look_at_certificates(session, found)
    return _look_at_audit(session, _look_at_proxy(home, found))


def _look_at_configuration(session: Session, found: Installation) -> Installation:
    try:
        registry = session.registry()
    except KeyhatchError as error:
        return replace(found, config_fault=_fault(error))
    settings = registry.settings
    return replace(
        found,
        states=_states(session, registry),
        agents=len(registry.agents),
        approvals=_asks(registry),
        past_the_wall=tuple(_past_the_wall(session, registry)),
        listen_host=settings.listen_host,
        unmatched=settings.unmatched,
    )


def _past_the_wall(session: Session, registry: Registry) -> Iterator[str]:
    """Yield the agents whose section requires the wall, and who can be called without one."""
    walled = {slug: a for slug, a in sorted(registry.agents.items()) if a.sandbox.required}
    if not walled:
        return
    try:
        with AgentTokens(session.home, now=session.now) as tokens:
            holders = {token.record.agent for token in tokens.issued()}
    except KeyhatchError:
        return  # the vault's own finding tells
    yield from (s for s, agent in walled.items() if s in holders or agent.listen is not None)


def _asks(registry: Registry) -> bool:
    narrowed = (policy for agent in registry.agents.values() for policy in agent.narrowed.values())
    policies = (*(one.policy for one in registry.connectors.values()), *narrowed)
    return any(policy.approve for policy in policies)


def _states(session: Session, registry: Registry) -> dict[str, str]:
    try:
        inventory = session.inventory()
    except KeyhatchError:
        return dict.fromkeys(registry.connectors, "unknown")
    return {slug: status_of(one, inventory) for slug, one in registry.connectors.items()}


def _look_at_secrets(session: Session, found: Installation) -> Installation:
    try:
        source = session.inventory().key_source
    except KeyhatchError as error:
        return replace(found, vault_fault=_fault(error))
    return replace(found, key_source=source.value)


def _look_at_certificates(session: Session, found: Installation) -> Installation:
    home = session.home
    try:
        certificate = load_ca_certificate(home.ca / "ca.pem")
    except KeyhatchError as error:
        return replace(found, authority_fault=_fault(error))
    if certificate is None:
        missing = Fault("there is no certificate", "run `keyhatch serve`: it makes one")
        return replace(found, authority_fault=missing)
    in_store = False
    if not _fault_of(system_roots):
        blocks = decode_pem(system_roots())
        in_store = len(without_key(blocks, certificate)) != len(blocks)
    left = certificate.not_valid_after_utc - session.now()
    constrained = constrained_names(certificate) is not None

    def read_roots() -> object:
        return upstream_roots(session.registry().settings.upstream_ca, own=certificate)

    return replace(
        found,
        authority=Authority(constrained, in_store, left),
        roots_fault=None if found.config_fault else _fault_of(read_roots),
    )


def _look_at_proxy(home: Home, found: Installation) -> Installation:
    try:
        return replace(found, proxy=request(home, {"op": "status"}))
    except KeyhatchError as error:
        return replace(found, proxy_fault=_fault(error))


def _look_at_audit(session: Session, found: Installation) -> Installation:
    folder = session.home.audit
    disk = os.statvfs(folder)
    return replace(
        found,
        audit_writable=_is_writable(folder),
        free=disk.f_bavail * disk.f_frsize,
        ahead=_newest(folder, session.now()) - session.now(),
    )


def _is_writable(folder: Path) -> bool:
    files = sorted(folder.glob("*.jsonl"))
    return os.access(folder, os.W_OK | os.X_OK) and all(
        os.access(path, os.W_OK) for path in files[-1:]
    )


def _newest(folder: Path, now: datetime) -> datetime:
    times = [path.stat().st_mtime for path in folder.glob("*.jsonl")]
    return datetime.fromtimestamp(max(times), UTC) if times else now - timedelta(days=1)


def _fault_of(call: Callable[[], object]) -> Fault | None:
    try:
        call()
    except KeyhatchError as error:
        return _fault(error)
    return None


def _fault(error: KeyhatchError) -> Fault:
    return Fault(str(error), error.hint)
