"""The HTTP API of the settings page, for its own scripts and for programs (docs/api.md)."""

from admin.web.api.document import describe
from admin.web.api.routes import router

__all__ = ["describe", "router"]
