"""The tables of the vault, in SQL that PostgreSQL speaks as well."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

# STRICT and WITHOUT ROWID are SQLite's: other databases check types anyway. Whole numbers that
# may outgrow 32 bits elsewhere are plain INTEGER there.
_STRICT: Final[dict[str, Any]] = {"sqlite_strict": True, "sqlite_with_rowid": False}
_LONG: Final = BigInteger().with_variant(Integer, "sqlite")

METADATA: Final = MetaData()

# One row. `generation` grows with every writing transaction; `key_number` with every data key;
# `checksum` tells a damaged row from a wrong passphrase.
META: Final = Table(
    "meta",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("vault_id", Text, nullable=False),
    Column("created_at", _LONG, nullable=False),
    Column("generation", _LONG, nullable=False),
    Column("key_number", _LONG, nullable=False),
    Column("key_source", Text, nullable=False),
    Column("key_name", Text, nullable=False),
    Column("kdf_profile", Text, nullable=False),
    Column("kdf_salt", LargeBinary, nullable=False),
    Column("wrapped_nonce", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("checksum", LargeBinary, nullable=False),
    **_STRICT,
)

RECORDS: Final = Table(
    "records",
    METADATA,
    Column("connector_id", Text, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("binding", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", _LONG, nullable=False),  # Unix seconds, as all times here
    Column("updated_at", _LONG, nullable=False),
    **_STRICT,
)

AGENT_TOKENS: Final = Table(
    "agent_tokens",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the token
    Column("agent", Text, nullable=False, index=True),
    Column("created_at", _LONG, nullable=False),
    Column("expires_at", _LONG, nullable=True),
    Column("connectors", Text, nullable=True),  # ids in a JSON list; NULL: all that it was granted
    Column("used_at", _LONG, nullable=True),
    **_STRICT,
)
# What vaults of earlier versions gain when they are opened; the format is the same.
LATER_TOKEN_COLUMNS: Final = (AGENT_TOKENS.c.connectors, AGENT_TOKENS.c.used_at)

# One row per connector whose tokens are renewed. Vaults made before it existed gain it when they
# are opened; the format is the same, because nothing sealed has changed. Times are milliseconds
# here: a token may live for seconds only.
REFRESH_STATE: Final = Table(
    "refresh_state",
    METADATA,
    Column("connector_id", Text, primary_key=True),
    Column("version", _LONG, nullable=False),
    Column("condition", Text, nullable=False),
    Column("last_success", _LONG, nullable=True),
    Column("next_refresh", _LONG, nullable=True),
    Column("pending_since", _LONG, nullable=True),
    Column("forced_at", _LONG, nullable=True),
    Column("retry_at", _LONG, nullable=True),
    Column("failures", _LONG, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", _LONG, nullable=True),
    **_STRICT,
)

# One row: how far the audit log had come, see proxy/audit/anchor.py. Written every second, so
# without raising the generation: nothing that anybody holds has changed.
AUDIT_HEAD: Final = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", _LONG, nullable=False),
    Column("digest", Text, nullable=False),
    Column("mac", Text, nullable=False),
    **_STRICT,
)
