"""What the configuration page lets one set, by card; prefilled from the provider where it says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from admin.web.pages.fields import (
    Entry,
    Field,
    hours_of,
    lines_of,
    own,
    pairs_of,
    placement_text,
    rules_of,
    text_of,
)
from config.catalog import Form, Var, load_catalog
from config.connector import (
    BasicPlacement,
    Connector,
    ConnectorType,
    HeaderPlacement,
    PathPlacement,
    Placement,
    QueryPlacement,
)
from config.unset import is_unset

PLACES = (
    ("header", "Header"),
    ("query", "Query parameter"),
    ("basic", "Basic authentication"),
    ("path", "Start of the path"),
)
_REGIONS = (("us", "United States"), ("eu", "Europe"), ("au", "Australia"))


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together under a heading."""

    title: str
    fields: tuple[Field, ...]
    text: str = ""


def form_of(connector: Connector) -> Form | None:
    """Return what the catalog says of the connector's provider."""
    if connector.provider is None:
        return None
    return load_catalog().provider(connector.provider).form(connector.type)


def account_fields(connector: Connector, entry: Entry) -> tuple[Field, ...]:
    """Return what the provider asks of each account: its subdomain, its region."""
    if connector.type is ConnectorType.INTERCOM:
        region = text_of(own(entry, "region")) or "us"
        hint = "Connecting finds it out, if it is another."
        return (Field("region", "Region of the workspace", "choice", region, hint, "", _REGIONS),)
    form = form_of(connector)
    named = form.vars if form else {}
    given = own(entry, "vars") or {}
    known = [_var_field(name, var, given) for name, var in named.items()]
    return tuple(known)


def destination_fields(connector: Connector, entry: Entry) -> tuple[Field, ...]:
    """Return where the connector goes and how its credential is placed there."""
    hosts = own(entry, "hosts")
    if hosts is None:
        hosts = [host_of(str(p)) for p in connector.destinations if not is_unset(p.host)]
    places = own(entry, "placement")
    sections = [places] if isinstance(places, Mapping) else places
    slot = f"{{{connector.placement_slots[0]}}}"
    return (
        Field(
            "hosts",
            "Destinations",
            "hosts",
            lines_of(hosts),
            "The only hosts that the credential may go to, one on each line.",
            "api.example.com",
            required=connector.provider is None,
        ),
        Field(
            "placement",
            "Where the credential goes",
            "placement",
            placement_text(sections or map(section_of, connector.placements)),
            f"Words in braces, such as {slot}, stand for the credential.",
            example=slot,
            choices=PLACES,
        ),
    )


def request_fields(connector: Connector, entry: Entry) -> tuple[Field, ...]:
    """Return what else is part of a request, and how the service is reached."""
    form = form_of(connector)
    sent = ", ".join(form.headers) if form else ""
    set_for = ", ".join(form.env) if form else ""
    return (
        Field(
            "headers",
            "Further headers",
            "pairs",
            pairs_of(own(entry, "headers")),
            "Sent when the agent sends none of that name."
            + (f" The provider has {sent} already." if sent else ""),
            "Api-Version: 2026-01",
        ),
        Field(
            "test_path",
            "Path for the test",
            value=connector.test_path or "",
            hint="Test reads this path; it should answer only to a good credential.",
            example="/v1/me",
        ),
        Field(
            "env",
            "Variables for agents",
            "pairs",
            pairs_of(own(entry, "env")),
            "What programs that Keyhatch starts find, instead of a credential."
            + (f" The provider has {set_for} already." if set_for else ""),
            "EXAMPLE_API_KEY: placeholder",
        ),
        Field(
            "dial",
            "Connect to another address",
            value=text_of(own(entry, "dial")),
            hint="Instead of asking DNS. The certificate must still be the destination's.",
            example="10.1.2.3:8443",
        ),
        Field(
            "scheme",
            "Scheme",
            "choice",
            text_of(own(entry, "scheme")) or "https",
            "http sends the credential unencrypted.",
            choices=(("https", "https"), ("http", "http (unencrypted)")),
        ),
    )


def rule_fields(entry: Entry) -> tuple[Field, ...]:
    """Return what agents may do with the connector."""
    rule = "A rule on each line: methods, the word on, and paths."
    return (
        Field("read_only", "Reading only", "switch", _on(own(entry, "read_only"), False),
              "GET, HEAD and OPTIONS alone."),
        Field("allow", "Allow", "rules", rules_of(own(entry, "allow")),
              f"{rule} Empty: everything.", "GET, POST on /v1/**"),
        Field("deny", "Deny", "rules", rules_of(own(entry, "deny")),
              "Looked at before what is allowed.", "DELETE on /**"),
        Field("approve", "Wait for your yes", "rules", rules_of(own(entry, "approve")),
              "Such requests wait until you answer under Approvals.", "POST on /v1/payments/**"),
        Field("rate", "Rate", "lines", lines_of(own(entry, "rate")),
              "Requests of each agent; several limits on several lines.", "60/minute"),
        Field("concurrency", "Requests at a time", "number", text_of(own(entry, "concurrency")),
              "Of each agent. Empty: no limit.", "4"),
        Field("hours", "Hours", "hours", hours_of(own(entry, "hours")),
              "When agents may. Empty: always.", "mon-fri 09:00-17:00 Europe/Berlin"),
    )  # fmt: skip


def hygiene_fields(entry: Entry) -> tuple[Field, ...]:
    """Return what passes between agent and service besides the credential."""
    return (
        Field("scrub", "Mask the credential in answers", "switch", _on(own(entry, "scrub"), True),
              "Some services repeat in an answer what they were sent."),
        Field("token_fields", "Tokens in answers", "choice",
              text_of(own(entry, "token_fields")) or "mask",
              choices=(("mask", "Mask them"), ("keep", "Let them pass to agents"))),
        Field("cookies", "Cookies", "choice", text_of(own(entry, "cookies")) or "drop",
              "Who has the cookies of a session has the session.",
              choices=(("drop", "Drop them"), ("keep", "Let them pass both ways"))),
        Field("allow_minting", "Paths where agents may make credentials", "lines",
              lines_of(own(entry, "allow_minting")),
              "Refused elsewhere, where Keyhatch knows that a path makes them.", "/v1/keys/**"),
        Field("strip.headers", "Drop these headers of agents", "lines",
              lines_of(own(entry, "strip.headers")),
              "Other headers in which the service takes a credential.", "X-Api-Key"),
        Field("strip.query", "Drop these query parameters", "lines",
              lines_of(own(entry, "strip.query")), "", "api_key"),
        Field("keep.headers", "Let these headers pass", "lines",
              lines_of(own(entry, "keep.headers")),
              "Though they look like credentials.", "X-Upload-Token"),
        Field("keep.query", "Let these query parameters pass", "lines",
              lines_of(own(entry, "keep.query")), "", "upload_token"),
    )  # fmt: skip


def host_of(pattern: str) -> str:
    """Return a destination as one writes it under `hosts`."""
    scheme, _, rest = pattern.partition("://")
    return rest.removesuffix(":443" if scheme == "https" else ":80")


def section_of(placement: Placement) -> dict[str, str]:
    """Return a placement as connectors.yaml would say it."""
    match placement:
        case HeaderPlacement(name=name, template=template):
            return {"header": name.title(), "template": template.text}
        case QueryPlacement(name=name, template=template):
            return {"query": name, "template": template.text}
        case BasicPlacement(username=username, password=password):
            return {"basic": f"{username.text}:{password.text}"}
        case PathPlacement(segment=segment):
            return {"path": segment.text}
        case _:
            assert_never(placement)


def _var_field(name: str, var: Var, given: Mapping[str, str]) -> Field:
    label = f"{var.label[:1].upper()}{var.label[1:]}"
    value = text_of(given.get(name, var.default))
    if var.choices:
        choices = tuple((choice, choice) for choice in var.choices)
        return Field(f"vars.{name}", label, "choice", value, choices=choices)
    return Field(f"vars.{name}", label, value=value, example=var.example, required=not var.default)


def _on(value: object, usual: bool) -> str:
    on = usual if value is None else bool(value)
    return "on" if on else ""
