"""The row that says how far the audit log had come; what it means is proxy/audit's."""

from sqlalchemy import Connection, delete, insert, inspect, select, update

from proxy.audit.chain import SealedHead
from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import RESTORE
from proxy.vault.schema import AUDIT_HEAD

_ONLY = AUDIT_HEAD.c.id == 1


def has_audit_head(connection: Connection) -> bool:
    """Tell whether the table is there."""
    return inspect(connection).has_table(AUDIT_HEAD.name)


def create_audit_head(connection: Connection) -> None:
    """Make the table unless it is there."""
    AUDIT_HEAD.create(connection, checkfirst=True)


def read_audit_head(connection: Connection) -> SealedHead | None:
    """Return the row; None before the first."""
    row = connection.execute(select(AUDIT_HEAD).where(_ONLY)).one_or_none()
    if row is None:
        return None
    if not (isinstance(row.seq, int) and isinstance(row.digest, str) and isinstance(row.mac, str)):
        raise VaultDamagedError("the vault holds a value of the wrong type", hint=RESTORE)
    return SealedHead(row.seq, row.digest, row.mac)


def write_audit_head(connection: Connection, sealed: SealedHead) -> None:
    """Write the row unless it has come further already: another process may have been faster."""
    values = {"seq": sealed.seq, "digest": sealed.digest, "mac": sealed.mac}
    known = read_audit_head(connection)
    if known is None:
        connection.execute(insert(AUDIT_HEAD).values(id=1, **values))
    elif known.seq < sealed.seq:
        connection.execute(update(AUDIT_HEAD).where(_ONLY).values(values))


def delete_audit_head(connection: Connection) -> None:
    """Delete the row."""
    connection.execute(delete(AUDIT_HEAD))
