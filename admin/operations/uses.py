"""When each connector was last used, kept up from the audit log by a server that is asked often."""

import threading
from collections.abc import Mapping
from datetime import datetime

from admin.audit_filter import time_of
from admin.operations.activity import Cursor, newest, since
from admin.operations.place import Place

_FIRST = 2000  # records that are looked at when it begins


class LastUses:
    """The last use of connectors by slug, as far back as was looked. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_to: Cursor | None = None
        self._found: dict[str, datetime] = {}

    def look(self, place: Place) -> Mapping[str, datetime]:
        """Return the last uses as of now; reads what was written since the last time."""
        with self._lock:
            if self._read_to is None:
                found = newest(place, events=("outcome",), limit=_FIRST)
            else:
                found = since(place, self._read_to, events=("outcome",), limit=_FIRST)
            self._read_to = found.newer
            for record in found.records:
                slug, time = record.get("connector"), time_of(record)
                if isinstance(slug, str) and time is not None:
                    self._found[slug] = max(time, self._found.get(slug, time))
            return dict(self._found)
