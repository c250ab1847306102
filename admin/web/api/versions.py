"""ETags and the conditions on them (RFC 9110, 13).

The tag of a connector or agent is `"ENTRY-REST"`: the digest of its entry in the file, then that of
the rest of what is told of it, such as whether it is ready. A change is held to the first part only:
that a token was refreshed meanwhile is no reason to refuse it. So `"ENTRY"` alone is taken as well.
"""

import hashlib
import re
from typing import Annotated, Final

from fastapi import Header, Request, Response
from pydantic import BaseModel

from admin.web.api.problems import PreconditionMissingError

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag that was last read, or * for whatever there is"),
]
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')


def expected_tag(given: str | None, current: str) -> str | None:
    """Return the tag of an entry that a change is made from; None for any.

    Raises PreconditionMissingError. Of several the current one counts, if it is among them.
    """
    if given is None:
        raise PreconditionMissingError
    if given.strip() == "*":
        return None
    # A weak one never fits (RFC 9110, 13.1.1).
    tags = [tag.partition("-")[0] for weak, tag in _TAG.findall(given) if not weak]
    return current if current in tags else (tags[0] if tags else "")


def answer_with_tag(request: Request, content: BaseModel, tag: str, status: int = 200) -> Response:
    """Return the answer that tells of an entry, or 304 where the client has just that."""
    body = content.model_dump_json(by_alias=True).encode()
    whole = f'"{tag}-{hashlib.sha256(body).hexdigest()[:12]}"'
    if request.method == "GET" and whole in _weakly(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": whole})
    return Response(body, status, media_type="application/json", headers={"ETag": whole})


def _weakly(given: str) -> set[str]:
    return {f'"{tag}"' for _, tag in _TAG.findall(given)}
