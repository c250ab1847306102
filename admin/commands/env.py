"""`keyhatch env`: what to set for an agent that `keyhatch run` does not start."""

from datetime import timedelta
from pathlib import Path

import click

from admin.context import Session
from admin.environment.formats import FORMATS
from admin.environment.proxy import agent_variables, proxy_url
from admin.lookup import find_agent
from admin.operations.poke import poke
from admin.operations.tokens import granted_ids
from admin.options.command import HomeCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.options.expiry import Duration, as_moment, expiry
from admin.process.care import Care
from admin.terminal.output import note
from config.connector import Agent, Registry
from config.errors import UsageError
from config.listen import TcpListen
from config.placeholders import placeholders_of
from proxy.secret import Secret
from proxy.server.control_client import request

MAX_TOKEN = 4096


@click.command(
    cls=HomeCommand,
    care=Care.RUN,
    epilog="""
examples:
  eval "$(keyhatch env --agent researcher)"
  keyhatch env --agent researcher --format docker --address 172.17.0.1:8321 \\
      --ca-folder /keyhatch > agent.env
  pass show researcher-token | keyhatch env --agent researcher --format systemd --token-stdin
""",
)
@click.option(
    "--agent", "name", metavar="NAME", required=True, shell_complete=agent_names, help="For whom."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="shell",
    show_default=True,
    help="How it is written.",
)
@click.option(
    "--connector",
    "connectors",
    metavar="NAME",
    multiple=True,
    shell_complete=connector_names,
    help="Only this connector of the agent's; may be repeated.",
)
@click.option(
    "--ttl", metavar="TIME", type=Duration(), default="24h", show_default=True, help="How long."
)
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input: make none.")
@click.option(
    "--no-token", is_flag=True, help="Without one: the address leads to the agent's own listener."
)
@click.option("--address", metavar="A:P", default="", help="Where the agent finds the proxy.")
@click.option(
    "--ca-folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where the agent finds ca.pem and bundle.pem.",
)
@pass_session
def env(
    session: Session,
    *,
    name: str,
    form: str,
    connectors: tuple[str, ...],
    ttl: timedelta,
    token_stdin: bool,
    no_token: bool,
    address: str,
    ca_folder: Path | None,
) -> None:
    """Print the variables for an agent that `keyhatch run` does not start.

    Proxy, certificates and placeholders, with a further token of the agent that ends by itself.
    An agent with a `listen:` port needs none, unless it is narrowed or called from elsewhere.
    """
    # First: what writes the token there may be the command that adds the agent.
    token = _given(session, connectors, no_token) if token_stdin else None
    registry = session.registry()
    agent = find_agent(registry, name)
    ids = granted_ids(registry, agent, connectors)
    if no_token:
        _require_listener(agent, connectors)
    elif token is not None:
        pass
    elif isinstance(agent.listen, TcpListen) and not connectors and not address:
        address, token = str(agent.listen), None
    else:
        token = _made(session, agent, ids, ttl)
    url = proxy_url(address or _listen(session, registry), agent.slug, token)
    found = placeholders_of(
        registry.connectors.values(),
        lambda c: c.slug in agent.connectors and (ids is None or c.id in ids),
    )
    set_ = {variable: text for variable, text in found.given.items() if text}
    variables = set_ | agent_variables(url, ca_folder or session.home.ca)
    click.echo(FORMATS[form](variables), nl=False)


def _require_listener(agent: Agent, connectors: tuple[str, ...]) -> None:
    if agent.listen is None:
        raise UsageError(
            f"agent {agent.slug} has no listener of its own, and needs a token",
            hint="leave out --no-token, or give it `listen:` in connectors.yaml",
        )
    if connectors:
        raise UsageError(
            "without a token the agent has all of its connectors",
            hint="leave out --connector or --no-token",
        )


def _given(session: Session, connectors: tuple[str, ...], no_token: bool) -> Secret:
    if no_token:
        raise UsageError("--token-stdin and --no-token contradict each other", hint="leave out one")
    if connectors:
        raise UsageError(
            "a token that is given cannot be narrowed",
            hint="leave out --connector or --token-stdin",
        )
    text = session.terminal.read_all(MAX_TOKEN).decode("ascii", "replace").strip()
    if not text.isprintable() or not text.startswith("kh_") or " " in text:
        raise UsageError(
            "what came on standard input is no agent token", hint="it is one line, kh_…"
        )
    return Secret(text)


def _made(session: Session, agent: Agent, ids: list[str] | None, ttl: timedelta) -> Secret:
    from proxy.vault.tokens import AgentTokens

    expires_at = expiry(session, ttl)
    with AgentTokens(session.home, now=session.now) as tokens:
        token = tokens.issue(agent.slug, expires_at=expires_at, connectors=ids)
    poke(session.home)
    note(f"with a token of {agent.slug} that expires on {as_moment(expires_at)}")
    return token


def _listen(session: Session, registry: Registry) -> str:
    """Return where the proxy listens: the one that runs, else what the settings say."""
    running = request(session.home, {"op": "status"})
    if running is not None:
        return str(running["listen"])
    host, port = registry.settings.listen_host, registry.settings.listen_port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
