"""Records of the log as rows. An agent wrote method, host and path: what does not show is escaped."""

from dataclasses import dataclass
from typing import Final

from admin.audit.chart import duration
from admin.audit.log import Record, time_of
from admin.terminal.output import printable
from admin.web.pages.moments import clock, instant

LONGEST: Final = 300  # characters of a path
_USUAL_PORTS: Final = (80, 443)
_TONES: Final = {"1": "good", "2": "good", "3": "good", "4": "warn", "5": "alert"}
_ACTS: Final = {
    "agent.add": "Agent added",
    "agent.delete": "Agent deleted",
    "agent.grant": "Connector granted",
    "agent.revoke": "Connector taken away",
    "agent.rotate": "Tokens replaced by a new one",
    "agent.revoke-tokens": "Tokens revoked",
    "agent.token": "Token made",
    "api-token.add": "API token made",
    "api-token.revoke": "API token revoked",
    "config.reload": "Configuration taken up",
    "connector.add": "Connector added",
    "connector.clear": "Secret cleared",
    "connector.confirm": "Changed destinations confirmed",
    "connector.connect": "Connected",
    "connector.delete": "Connector deleted",
    "connector.disconnect": "Disconnected",
    "connector.rename": "Connector renamed",
    "connector.set": "Connector changed",
    "proxy.start": "Proxy started",
    "proxy.stop": "Proxy stopped",
    "vault.change-key": "Vault given another key source",
    "vault.rotate-key": "Vault re-sealed under a new key",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One request that has ended, or one thing that the operator did (`is_act`).

    `said` is what is shown below it: why it was refused, who approved it.
    """

    time: str
    clock: str
    agent: str
    connector: str
    method: str
    target: str
    said: str
    status: str
    tone: str
    took: str
    is_act: bool = False


def row_of(record: Record) -> Row:
    """Return what is shown of a record."""
    time = time_of(record)
    agent, connector = (_text(record, name) for name in ("agent", "connector"))
    if record.get("event") == "admin":
        target, said = _act(record)
        return Row(
            instant(time), clock(time), agent, connector, "", target, said, "", "", "", is_act=True
        )
    status = record.get("status")
    refused = record.get("decision") == "refuse"
    answered = str(status) if isinstance(status, int) else "no answer"
    ms = record.get("ms")
    return Row(
        time=instant(time),
        clock=clock(time),
        agent=agent,
        connector=connector,
        method=_text(record, "method"),
        target=_target(record),
        said=_said(record),
        status="refused" if refused else answered,
        tone="warn" if refused else _TONES.get(answered[:1], "alert"),
        took=duration(ms) if isinstance(ms, int | float) else "",
    )


def _target(record: Record) -> str:
    port = record.get("port")
    where = "" if port in _USUAL_PORTS else f":{port}"
    text = printable(f"{record.get('host') or ''}{where}{record.get('path') or ''}")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _said(record: Record) -> str:
    refused = record.get("decision") == "refuse"
    why = record.get("code") or (record.get("reason") if refused else None)
    parts = [str(why)] if why else []
    if record.get("sandbox") is True:
        parts.append("from the sandbox")
    approval = record.get("approval")
    if isinstance(approval, dict):
        by = f" by {approval['by']}" if approval.get("by") else ""
        parts.append(f"approval: {approval.get('answer')}{by}")
    notes = record.get("notes")
    parts += [str(note) for note in notes] if isinstance(notes, list) else []
    return printable(", ".join(parts))


def _act(record: Record) -> tuple[str, str]:
    action = _text(record, "action")
    to = _text(record, "to")
    told = _ACTS.get(action, action.replace(".", " ").capitalize())
    return f"{told}{f': now {to}' if to else ''}", f"by {_text(record, 'by') or 'nobody known'}"


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return "" if value is None else printable(str(value))
