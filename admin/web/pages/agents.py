"""The Agents tab: who may use which connectors, with which tokens, and the page of each agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from admin.environment.formats import as_shell
from admin.environment.proxy import agent_variables, proxy_url
from admin.operations import agents
from admin.operations.agents import AgentState
from admin.operations.tokens import Token
from admin.operations.view import status_of
from admin.terminal.output import printable
from admin.web.last_good import LastGood, shown_place
from admin.web.pages.moments import instant
from admin.web.pages.rendering import Renderer, renderer_of
from admin.web.pages.words import status_words
from admin.web.standing import Running, proxy_state
from config.connector import Registry
from config.errors import KeyhatchError
from config.sandbox import Sandbox
from proxy.secret import Secret
from proxy.server.control_client import request as ask

routes = APIRouter()
PLACEHOLDER = Secret("TOKEN")  # stands where a person puts the agent's own
type Place = Annotated[LastGood, Depends(shown_place)]
type Draws = Annotated[Renderer, Depends(renderer_of)]


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent as the list shows it."""

    slug: str
    connectors: tuple[tuple[str, str], ...]
    tokens: int
    used: str
    ends: str
    listen: str
    is_walled: bool


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A connector as an agent's page shows it: granted or not; `policy` narrows it, `words` say how."""

    slug: str
    name: str
    status: str
    tone: str
    is_granted: bool
    words: str
    policy: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as an agent's page shows it; there is nothing of the token itself to show."""

    id: str
    made: str
    used: str
    ends: str
    connectors: tuple[str, ...] | None


@routes.get("/settings/agents")
def show_agents(request: Request, place: Place, renderer: Draws) -> Response:
    """Show all agents, in the order of the file."""
    registry = place.registry()
    rows = [agent_row(state, registry) for state in agents.states(place)]
    connectors = sorted(registry.connectors.values(), key=lambda c: c.name.casefold())
    return renderer.page(
        request,
        "agents.html",
        "agents",
        rows=rows,
        choices=[(c.slug, c.name) for c in connectors],
    )


@routes.get("/settings/agents/{slug}")
def show_agent(request: Request, place: Place, renderer: Draws, slug: str) -> Response:
    """Show one agent: its connectors, its tokens, and how a program becomes it."""
    registry, state = place.registry(), agents.state(place, slug)
    grants, sandbox = grant_rows(state, place), registry.agents[state.slug].sandbox
    return renderer.page(
        request,
        "agent.html",
        "agents",
        agent=state,
        grants=grants,
        granted=[grant for grant in grants if grant.is_granted],
        tokens=[token_row(token) for token in state.tokens],
        unmatched=unmatched_in_words(state, registry),
        used=instant(state.last_used),
        is_walled=sandbox.required,
        behind_the_wall=sandbox_in_words(sandbox),
        command=f"keyhatch run{' --sandbox' * sandbox.required} --agent {state.slug} -- COMMAND",
        variables=variables_of(state, place),
    )


def agent_row(state: AgentState, registry: Registry) -> AgentRow:
    """Return what the list shows of an agent."""
    names = {slug: connector.name for slug, connector in registry.connectors.items()}
    return AgentRow(
        slug=state.slug,
        connectors=tuple((names.get(g.connector, g.connector), g.words) for g in state.grants),
        tokens=len(state.tokens),
        used=instant(state.last_used),
        ends=instant(state.expires_at),
        listen=state.listen,
        is_walled=registry.agents[state.slug].sandbox.required,
    )


def grant_rows(state: AgentState, place: LastGood) -> list[GrantRow]:
    """Return every connector, by name, and whether an agent has it."""
    inventory, grants = place.inventory(), {grant.connector: grant for grant in state.grants}
    connectors = sorted(place.registry().connectors.values(), key=lambda c: c.name.casefold())
    found = []
    for connector in connectors:
        status, tone = status_words(status_of(connector, inventory))
        grant = grants.get(connector.slug)
        found.append(
            GrantRow(
                slug=connector.slug,
                name=connector.name,
                status=status,
                tone=tone,
                is_granted=grant is not None,
                words=grant.words if grant else "",
                policy=grant.policy if grant else {},
            )
        )
    return found


def token_row(token: Token) -> TokenRow:
    """Return what is shown of a token."""
    return TokenRow(
        id=token.id,
        made=instant(token.created_at),
        used=instant(token.last_used),
        ends=instant(token.expires_at),
        connectors=token.connectors,
    )


def unmatched_in_words(state: AgentState, registry: Registry) -> str:
    """Return what becomes of an agent's requests to hosts of no connector."""
    chosen = state.unmatched or registry.settings.unmatched
    does = "are refused" if chosen == "deny" else "pass through, without any credential"
    return does if state.unmatched else f"{does} (as for every agent)"


def sandbox_in_words(sandbox: Sandbox) -> str:
    """Return how the section of an agent changes what is behind the wall, empty where it does not."""
    parts = (
        ("profile", (sandbox.profile,) if sandbox.profile else ()),
        ("also open", sandbox.share),
        ("hidden", sandbox.hide),
        ("variables", sandbox.env),
    )
    return "; ".join(
        f"{label}: {', '.join(map(printable, names))}" for label, names in parts if names
    )


def variables_of(state: AgentState, place: LastGood) -> str:
    """Return the lines that send a shell's programs through the proxy as an agent."""
    if state.listen.startswith("unix:"):
        return ""
    token = None if state.listen else PLACEHOLDER
    address = state.listen or _listens_at(place)
    return as_shell(agent_variables(proxy_url(address, state.slug, token), place.home.ca))


def _listens_at(place: LastGood) -> str:
    """Return where the proxy listens, or will when it is started."""
    settings = place.registry().settings
    declared = f"{settings.listen_host}:{settings.listen_port}"
    if proxy_state(place).running is not Running.YES:
        return declared
    try:
        reply = ask(place.home, {"op": "status"})
    except KeyhatchError:
        return declared
    return str((reply or {}).get("listen") or declared)
