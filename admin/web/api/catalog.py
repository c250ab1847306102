"""/catalog: the known services, and what each asks for."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from admin.operations import catalog
from admin.web.api import models
from admin.web.api.problems import ProblemRoute, said
from config.catalog import Form

routes = APIRouter(prefix="/catalog", tags=["catalog"], route_class=ProblemRoute)


@routes.get("", responses=said(422))
def search_catalog(
    q: Annotated[str, Query(description="words of name or host")] = "",
    type: Literal["api_key", "oauth", "intercom"] | None = None,  # noqa: A002 - a query's word
) -> models.Providers:
    """List the providers that fit; those whose name begins so come first."""
    rows = catalog.search(q, type)
    return models.Providers(providers=[models.ProviderRow.model_validate(row) for row in rows])


@routes.get("/{id}", responses=said(404))
def get_provider(id: str) -> models.Provider:  # noqa: A002 - a path's word
    """Tell what a connector to a provider needs, for each type that there is."""
    found = catalog.find(id)
    forms = [_form(kind.value, form) for kind, form in found.forms.items()]
    return models.Provider(id=found.id, name=found.name, forms=forms)


def _form(kind: str, form: Form) -> models.Form:
    return models.Form(
        type=kind,
        hosts=list(form.hosts),
        placement=[catalog.describe_placement(section) for section in form.placement],
        secrets=[models.SecretLabel(slot=s, label=text) for s, text in form.secrets.items()],
        vars=[
            models.Var(
                name=name,
                label=var.label,
                example=var.example,
                default=var.default,
                pattern=var.pattern,
                choices=list(var.choices),
            )
            for name, var in form.vars.items()
        ],
        scopes=list(catalog.scopes_of(form)),
        test_path=form.test_path,
        note=form.note,
        confidence=form.confidence,
    )
