"""Names that the shell completes: read without locks, and silent when something is wrong."""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from admin.context import Session

type Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completer(names: Callable[[Session], Iterable[str]]) -> Completer:
    def complete(
        ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            known = sorted(names(ctx.obj))
        except Exception:  # noqa: BLE001 - at a prompt, no completion is better than a message
            return []
        return [CompletionItem(name) for name in known if name.startswith(incomplete)]

    return complete


def _provider_ids(_session: Session) -> Iterable[str]:
    from config.catalog import load_catalog

    return load_catalog().ids()


connector_names = _completer(lambda session: session.registry().connectors)
agent_names = _completer(lambda session: session.registry().agents)
provider_ids = _completer(_provider_ids)
