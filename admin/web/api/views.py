"""From what operations return to what the API tells."""

from admin.operations.agents import AgentState
from admin.operations.connections import connected
from admin.operations.credentials import Slot
from admin.operations.flow import FlowState
from admin.operations.guide import EnterCode, Visit
from admin.operations.listing import Details
from admin.operations.place import Place
from admin.operations.view import describe_placement, redirect_of
from admin.web.api import models


def slots(found: tuple[Slot, ...]) -> list[models.Slot]:
    """Return the secrets of a connector, as they are told."""
    return [models.Slot.model_validate(slot) for slot in found]


def connector(place: Place, found: Details) -> models.Connector:
    """Return everything that is told of a connector."""
    known = found.connector
    return models.Connector(
        slug=known.slug,
        id=known.id,
        name=known.name,
        type=known.type.value,
        provider=known.provider,
        destinations=[str(pattern) for pattern in known.destinations],
        placement=[describe_placement(placement) for placement in known.placements],
        test_path=known.test_path,
        is_enabled=known.enabled,
        status=found.status,
        missing=list(found.missing),
        credentials=slots(found.slots),
        agents=list(found.agents),
        last_used=found.last_used,
        oauth=_oauth(place, found),
        definition=dict(found.entry),
    )


def agent(found: AgentState) -> models.Agent:
    """Return everything that is told of an agent."""
    return models.Agent(
        slug=found.slug,
        grants=[
            models.Grant(connector=g.connector, policy=dict(g.policy), words=g.words)
            for g in found.grants
        ],
        tokens=[models.Token.model_validate(token) for token in found.tokens],
        expires_at=found.expires_at,
        last_used=found.last_used,
        listen=found.listen,
        unmatched=found.unmatched,
    )


def flow(found: FlowState) -> models.Flow:
    """Return what is told of a connect."""
    visit = found.step if isinstance(found.step, Visit) else None
    code = found.step if isinstance(found.step, EnterCode) else None
    return models.Flow(
        id=found.id,
        connector=found.connector,
        way=found.way,
        phase=found.phase.value,
        authorization_url=visit.url if visit else None,
        redirect_uri=(visit.redirect_uri or None) if visit else None,
        user_code=code.user_code if code else None,
        verification_url=code.verification_url if code else None,
        complete_url=(code.complete_url or None) if code else None,
        expires_at=code.expires_at if code else None,
        misfits=found.misfits,
        account=found.account,
        scopes=list(found.scopes),
        not_granted=list(found.not_granted),
        tested=found.tested,
        error=found.error,
        hint=found.hint,
    )


def _oauth(place: Place, found: Details) -> models.OAuth | None:
    client = found.connector.oauth
    if client is None:
        return None
    tokens = connected(place, found.connector)
    return models.OAuth(
        grant=client.grant.value,
        client_id=client.client_id,
        scopes=list(client.scopes),
        issuer=client.issuer or "",
        authorization_url=client.authorization_url or "",
        token_url=client.token_url or "",
        redirect=redirect_of(client),
        connection=models.Connection.model_validate(tokens) if tokens else None,
        refresh=models.Refresh.model_validate(found.refresh) if found.refresh else None,
    )
