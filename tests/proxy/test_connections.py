"""Open connections are bounded for each agent, for strangers, and in all."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from config.limits import Limits
from proxy.connections import Connections


class Book:
    """Connections under limits that a test can change, and those that were closed, in order."""

    def __init__(self, most: int = 100, **limits: int) -> None:
        self.limits = Limits(**limits)
        self.closed: list[str] = []
        self.connections = Connections(lambda: self.limits, most)

    def open(self, *names: str, owner: str | None = None) -> None:
        for name in names:
            self.connections.opened(name, partial(self.closed.append, name))
            if owner is not None:
                assert self.connections.belongs_to(name, owner)


def test_an_agent_has_so_many_and_no_more() -> None:
    book = Book(connections=2)
    book.open("a", "b", owner="ada")
    book.open("c")
    assert not book.connections.belongs_to("c", "ada")
    assert book.connections.belongs_to("c", "bob"), "another agent has its own"


def test_what_an_agent_closed_can_be_opened_again() -> None:
    book = Book(connections=1)
    book.open("a", owner="ada")
    book.connections.closed("a")
    book.connections.closed("a")
    book.open("b", owner="ada")
    assert book.connections.of("ada") == len(book.connections) == 1


def test_later_requests_of_a_connection_are_not_counted_again() -> None:
    book = Book(connections=1)
    book.open("a", owner="ada")
    assert book.connections.belongs_to("a", "ada")


def test_of_those_that_show_no_token_the_longest_waiting_is_closed() -> None:
    book = Book(unidentified=2)
    book.open("a", "b", "c")
    assert book.closed == ["a"]
    assert not book.connections.belongs_to("a", "ada"), "too late"


def test_an_agents_connection_is_not_closed_for_strangers() -> None:
    book = Book(unidentified=1)
    book.open("mine", owner="ada")
    book.open("a", "b", "c")
    assert book.closed == ["a", "b"]


def test_a_token_that_is_not_valid_any_more_makes_a_stranger() -> None:
    book = Book(unidentified=1)
    book.open("a", owner="ada")
    assert book.connections.belongs_to("a", None)
    assert book.connections.of("ada") == 0
    book.open("b")
    assert book.closed == ["a"]


def test_a_connection_may_change_hands() -> None:
    book = Book(connections=1)
    book.open("a", owner="ada")
    assert book.connections.belongs_to("a", "bob")
    book.open("b", owner="ada")


def test_when_full_strangers_make_room() -> None:
    book = Book(connections_total=2)
    book.open("mine", owner="ada")
    book.open("a")
    assert book.connections.has_room()
    assert book.closed == [], "not before somebody comes"
    book.open("b", owner="ada")
    assert book.closed == ["a"]
    assert not book.connections.has_room()


def test_there_are_never_more_than_the_process_can_have() -> None:
    book = Book(most=1, connections_total=50)
    book.open("a", owner="ada")
    assert not book.connections.has_room()


def test_a_changed_limit_holds_at_once() -> None:
    book = Book(connections=1)
    book.open("a", owner="ada")
    book.limits = Limits(connections=2)
    book.open("b", owner="ada")


STEPS = st.tuples(
    st.sampled_from(["open", "close", "ask"]),
    st.integers(0, 9).map(str),
    st.sampled_from(["ada", "bob", None]),
)


@given(st.lists(STEPS, max_size=60))
def test_no_order_of_events_exceeds_a_limit_or_loses_count(
    steps: list[tuple[str, str, str | None]],
) -> None:
    book = Book(connections=2, unidentified=3, connections_total=5)
    made = 0
    for step, name, owner in steps:
        if step == "open" and book.connections.has_room():
            made += 1
            book.open(f"{name}-{made}")
        elif step == "close":
            book.connections.closed(f"{name}-{made}")
        elif step == "ask":
            book.connections.belongs_to(f"{name}-{made}", owner)
        mine = [book.connections.of(agent) for agent in ("ada", "bob")]
        assert max(mine) <= 2
        assert book.connections.unidentified <= 3
        assert sum(mine) + book.connections.unidentified == len(book.connections) <= 5
