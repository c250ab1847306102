"""`keyhatch catalog`: the services whose hosts and placements are known."""

from typing import TYPE_CHECKING

import click

from admin.care import Care
from admin.completion import provider_ids
from admin.context import Session
from admin.lazy import Entry, LazyGroup
from admin.options import PrintingCommand, pass_session
from admin.output import Column, print_facts, print_table

if TYPE_CHECKING:
    from config.catalog import Form, Var
    from config.section import Section

_HERE = "admin.commands.catalog"
COMMANDS = {
    "list": Entry(f"{_HERE}:list_providers", "List the known providers."),
    "show": Entry(f"{_HERE}:show", "Show what a provider asks for and where its key goes."),
}

EXAMPLES = """
examples:
  keyhatch catalog list
  keyhatch catalog show hubspot
"""

catalog: click.Group = LazyGroup(
    name="catalog", entries=COMMANDS, help="List and show known providers.", epilog=EXAMPLES
)


@click.command(
    "list",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch catalog list --json
""",
)
@pass_session
def list_providers(session: Session) -> None:
    """List the known providers."""
    from config.catalog import load_catalog

    known = load_catalog()
    providers = [known.provider(id_) for id_ in known.ids()]
    rows = [
        {
            "id": provider.id,
            "name": provider.name,
            "types": [kind.value for kind in provider.forms],
            "vars": sorted({var for form in provider.forms.values() for var in form.vars}),
        }
        for provider in providers
    ]
    columns = (
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("TYPES", "types"),
        Column("VARS", "vars"),
    )
    print_table(session, columns, rows, "the catalog is empty")


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch catalog show hubspot
""",
)
@click.argument("provider", metavar="ID", shell_complete=provider_ids)
@pass_session
def show(session: Session, provider: str) -> None:
    """Show what a provider asks for and where its key goes."""
    from config.catalog import load_catalog

    found = load_catalog().provider(provider)
    forms = {kind.value: describe_form(form) for kind, form in found.forms.items()}
    if session.json:
        print_facts(session, {"id": found.id, "name": found.name, "forms": forms})
        return
    for number, (kind, facts) in enumerate(forms.items()):
        if number:
            click.echo()
        print_facts(session, {"id": found.id, "name": found.name, "type": kind, **facts})


def describe_form(form: "Form") -> dict[str, object]:
    """Return what one type of connector to the provider needs and does."""
    return {
        "hosts": list(form.hosts),
        "placement": [_describe_placement(section) for section in form.placement],
        "secrets": [f"{slot}: {label}" for slot, label in form.secrets.items()],
        "vars": [_describe_var(name, var) for name, var in form.vars.items()],
        "headers": [f"{name}: {value}" for name, value in form.headers.items()],
        "environment": list(form.env),
        "test_path": form.test_path or None,
        "refused": _describe_minting(form),
        "note": form.note or None,
        "confidence": form.confidence,
    }


def _describe_minting(form: "Form") -> list[str]:
    """Return what makes credentials at the provider's hosts, as `POST /v1/keys (an API key)`."""
    from config.vars import fill_vars
    from proxy.policy.minting import known_minting

    usual = {name: var.accept(name, var.default or var.example) for name, var in form.vars.items()}
    hosts = [fill_vars(host, usual) for host in form.hosts]
    return [f"{request} ({made})" for request, made in known_minting(hosts).items()]


def _describe_placement(section: "Section") -> str:
    """Return a placement as `header Authorization: Bearer {secret}`."""
    from config.models import BasicSection, HeaderSection, PathSection, QuerySection

    match section:
        case HeaderSection(header=name, template=template):
            return f"header {name}: {template}"
        case QuerySection(query=name, template=template):
            return f"query {name}={template}"
        case BasicSection(basic=template):
            return f"basic {template}"
        case PathSection(path=template):
            return f"path {template}"
        case _:
            raise TypeError(section)


def _describe_var(name: str, var: "Var") -> str:
    choices = f", one of {', '.join(var.choices)}" if var.choices else f", such as {var.example}"
    default = f" (default {var.default})" if var.default else ""
    return f"{name}: {var.label}{choices}{default}"
