"""Any edits of any file: the editor never gives up, loses a comment or means another thing."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConflictError, NotFoundError, UsageError
from tests.support.config_texts import OPENAI, load, opened
from tests.support.fuzzing import examples

ENTRIES = [
    "  {0}:\n    type: api_key\n    provider: openai\n",
    "  {0}: {{type: api_key, provider: openai}}\n",
    "  {0}: {{ # f {0}\n    'type': api_key, # g {0}\n    hosts: [{0}.example]}} # l {0}\n",
    "  {0}: # c {0}\n    # k {0}\n    type: api_key # t {0}\n\n    hosts:\n      - {0}.example # h {0}\n",
    "  {0}:\n    name: |-\n      #no comment\n    type: api_key\n    hosts: [x.example,\n      y.example]\n",
    '  "{0}":\n        type: "api_key"\n        hosts: [\'{0}.example\']\n        # last {0}\n',
]
GRANTS = [
    "    - {{connector: {0}, read_only: on}}  # g {0}\n",
    "    - connector: {0}  # c {0}\n      # r {0}\n      rate: 5/minute  # s {0}\n",
    "    - rate:\n      - 5/minute\n      connector: '{0}'\n",
]
BETWEEN = st.sampled_from(["", "\n", "# zero\n", "  # two\n", "\n  # a\n\n# b\n"])
SLUGS = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def files(draw: st.DrawFn) -> str:
    slugs = draw(st.lists(SLUGS, unique=True, min_size=1))
    connectors = "".join(
        draw(BETWEEN) + draw(st.sampled_from(ENTRIES)).format(slug) for slug in slugs
    )
    listed = draw(st.lists(st.sampled_from(slugs), max_size=3))
    narrowed = draw(st.sampled_from(GRANTS))
    items = "".join(f"    - {slug}  # i {slug}\n" for slug in listed) or "      []\n"
    first = slugs[0]
    others = "".join(f"    - {slug}  # i {slug}\n" for slug in slugs[1:])
    agents = draw(
        st.sampled_from(
            [
                "",
                "agents:\n",
                f"agents:\n  r:\n    connectors:\n{items}",
                "agents: {r: }\n",
                f"agents:\n  r: {{connectors: [{', '.join(listed)}]}}\n",
                f"agents:\n  r:\n    connectors:\n{narrowed.format(first)}{others}",
                f"agents:\n  r:\n    connectors:\n{others}{narrowed.format(first)}",
                f"agents:\n  r: {{connectors: [{{connector: {first}, rate: 1/hour}}]}} # e\n",
            ]
        )
    )
    head, between = "version: 1\n", draw(BETWEEN)
    body = f"connectors:\n{connectors}{between}"
    return head + (agents + body if draw(st.booleans()) else body + agents)


OPERATIONS = st.one_of(
    st.tuples(st.just("add_connector"), SLUGS, st.just(OPENAI)),
    st.tuples(st.just("update_connector"), SLUGS, st.just({"name": "N n", "scheme": "http"})),
    st.tuples(st.just("update_connector"), SLUGS, st.just({"hosts": ["n.example"], "name": None})),
    st.tuples(st.just("rename_connector"), SLUGS, st.sampled_from(["E", "F f", "7"])),
    st.tuples(st.just("delete_connector"), SLUGS),
    st.tuples(st.just("add_agent"), SLUGS, st.lists(SLUGS, max_size=2)),
    st.tuples(st.just("set_agent_connectors"), st.just("r"), st.lists(SLUGS, max_size=3)),
    st.tuples(st.just("narrow_grant"), st.just("r"), SLUGS, st.just({"read_only": True})),
    st.tuples(
        st.just("narrow_grant"),
        st.just("r"),
        SLUGS,
        st.just({"rate": None, "deny": [{"methods": ["PUT"]}], "concurrency": 2}),
    ),
    st.tuples(st.just("update_agent"), SLUGS, st.just({"egress": {"allow": ["*.x.example"]}})),
    st.tuples(st.just("delete_agent"), st.just("r")),
)


@settings(max_examples=examples(300))
@given(files(), st.lists(OPERATIONS, min_size=1, max_size=4))
def test_any_edits_of_any_file_do_what_was_asked_and_lose_no_comment(
    text: str, operations: list[Any]
) -> None:
    """The editor holds its own result against what the file has to mean; it must never give up."""
    file = opened(text)
    deleted = False
    for name, *arguments in operations:
        try:
            getattr(file, name)(*arguments)
        except (NotFoundError, ConflictError):
            continue
        except UsageError as error:
            if "twice" not in str(error):  # a plain grant that stands twice cannot be narrowed
                raise
            continue
        deleted = (
            deleted
            or name.startswith("delete")
            or name in ("set_agent_connectors", "update_connector", "narrow_grant")
        )
    load(file.text)
    for comment in ("# zero", "# two", "# b"):
        assert file.text.count(comment) == text.count(comment)
    if not deleted:
        kept = [line for line in text.splitlines() if line.strip().startswith("# ")]
        assert all(line.strip() in file.text for line in kept)
