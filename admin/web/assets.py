"""The styles and scripts: read once, served under an address that changes with them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "static"
LATEST: Final = "latest"  # for pages that are made without the app, such as a refusal
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Assets:
    """The files by name, and the digest of them all, which is part of their addresses."""

    files: dict[str, bytes]
    version: str

    def url(self, name: str) -> str:
        """Return the address of a file. Raises KeyError for one that is not there."""
        self.files[name]
        return f"/static/{self.version}/{name}"

    def answer(self, request: Request) -> Response:
        """Answer `/static/{version}/{name}`."""
        name = str(request.path_params["name"])
        content = self.files.get(name)
        if content is None:
            return Response(status_code=404)
        asked = request.path_params["version"]
        kept = _FOR_GOOD if asked == self.version else "no-cache"
        return Response(
            content, media_type=_TYPES[Path(name).suffix], headers={"Cache-Control": kept}
        )


def load_assets(folder: Path = FOLDER) -> Assets:
    """Read the files that browsers are given; what else lies beside them is not served."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _TYPES
    }
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return Assets(files, digest.hexdigest()[:16])
