"""The known services: searched, and what each asks for."""

from dataclasses import dataclass

from config.catalog import Form, OAuthForm, Provider, Var, load_catalog
from config.models import BasicSection, HeaderSection, PathSection, QuerySection
from config.section import Section
from config.vars import fill_vars


@dataclass(frozen=True, slots=True)
class Found:
    """A provider as a list shows it; `vars` are those that any of its forms asks for."""

    id: str
    name: str
    types: tuple[str, ...]
    vars: tuple[str, ...]


def search(text: str = "", kind: str | None = None) -> tuple[Found, ...]:
    """Return the providers whose id, name or host has every word of a text, by name.

    Those whose name begins with it come first. `kind` leaves those with a form of that type.
    """
    catalog, words = load_catalog(), text.casefold().split()
    providers = [catalog.provider(id_) for id_ in catalog.ids()]
    fitting = [p for p in providers if _fits(p, words) and (kind is None or kind in p.forms)]
    wanted = text.casefold().strip()
    ranked = sorted(
        fitting, key=lambda p: (not p.name.casefold().startswith(wanted), p.name.casefold())
    )
    return tuple(map(_found, ranked))


def listing() -> tuple[Found, ...]:
    """Return all providers, by id."""
    catalog = load_catalog()
    return tuple(_found(catalog.provider(id_)) for id_ in catalog.ids())


def find(id_: str) -> Provider:
    """Return one provider. Raises NotFoundError with the nearest id."""
    return load_catalog().provider(id_)


def describe_form(form: Form) -> dict[str, object]:
    """Return what one type of connector to a provider needs and does, in words."""
    return {
        "hosts": list(form.hosts),
        "placement": [describe_placement(section) for section in form.placement],
        "secrets": [f"{slot}: {label}" for slot, label in form.secrets.items()],
        "vars": [_describe_var(name, var) for name, var in form.vars.items()],
        "headers": [f"{name}: {value}" for name, value in form.headers.items()],
        "environment": list(form.env),
        "test_path": form.test_path or None,
        "refused": _describe_minting(form),
        "note": form.note or None,
        "confidence": form.confidence,
    }


def scopes_of(form: Form) -> tuple[str, ...]:
    """Return the scopes that a form asks for by itself; none where it is not of OAuth."""
    return tuple(form.scopes) if isinstance(form, OAuthForm) else ()


def describe_placement(section: Section) -> str:
    """Return a placement as `header Authorization: Bearer {secret}`."""
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


def _fits(provider: Provider, words: list[str]) -> bool:
    hosts = [host for form in provider.forms.values() for host in form.hosts]
    text = " ".join([provider.id, provider.name, *hosts]).casefold()
    return all(word in text for word in words)


def _found(provider: Provider) -> Found:
    return Found(
        id=provider.id,
        name=provider.name,
        types=tuple(kind.value for kind in provider.forms),
        vars=tuple(sorted({var for form in provider.forms.values() for var in form.vars})),
    )


def _describe_minting(form: Form) -> list[str]:
    """Return what makes credentials at the provider's hosts, as `POST /v1/keys (an API key)`."""
    from proxy.policy.minting import known_minting

    usual = {name: var.accept(name, var.default or var.example) for name, var in form.vars.items()}
    hosts = [fill_vars(host, usual) for host in form.hosts]
    return [f"{request} ({made})" for request, made in known_minting(hosts).items()]


def _describe_var(name: str, var: Var) -> str:
    choices = f", one of {', '.join(var.choices)}" if var.choices else f", such as {var.example}"
    default = f" (default {var.default})" if var.default else ""
    return f"{name}: {var.label}{choices}{default}"
