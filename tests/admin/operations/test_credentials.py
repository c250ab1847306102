import pytest

from admin.context import Session
from admin.operations import connectors, credentials
from config.connector import binding_of
from config.errors import NotFoundError, UsageError
from tests.admin.operations.test_connectors import acts
from tests.support.command_line import CommandLine
from tests.support.places import place_at

FIRST, SECOND = "canary-one-0123456789", "canary-two-0123456789"


@pytest.fixture
def place(keyhatch: CommandLine) -> Session:
    place = place_at(keyhatch.home)
    connectors.create(
        place,
        "Pair",
        {
            "type": "api_key",
            "hosts": ["api.example.com"],
            "placement": [{"header": "X-Key", "template": "{key}"}, {"query": "app", "template": "{app}"}],
        },
    )  # fmt: skip
    return place


def opened(place: Session, slot: str) -> str:
    connector = place.registry().connectors["pair"]
    with place.vault() as vault:
        return vault.get(connector.id, slot, binding_of(connector)).reveal()


def test_slots_are_told_as_set_or_not_and_since_when(place: Session) -> None:
    assert [(s.name, s.is_set) for s in credentials.states(place, "pair")] == [
        ("key", False),
        ("app", False),
    ]
    key, app = credentials.put(place, "pair", {"key": FIRST}, by="ada")
    assert (key.is_set, key.fits, app.is_set, app.changed_at) == (True, True, False, None)
    assert key.changed_at is not None
    assert acts(place)[-1] == ("connector.set", "ada")


def test_a_slot_is_replaced_and_cleared_by_itself(place: Session) -> None:
    credentials.put(place, "pair", {"key": FIRST, "app": FIRST})
    credentials.put(place, "pair", {"app": SECOND})
    assert (opened(place, "key"), opened(place, "app")) == (FIRST, SECOND)
    states = credentials.clear(place, "pair", "app")
    assert [slot.is_set for slot in states] == [True, False]
    assert acts(place)[-1][0] == "connector.clear"
    with pytest.raises(NotFoundError):
        credentials.clear(place, "pair", "app")


def test_a_secret_for_other_destinations_does_not_fit(place: Session) -> None:
    credentials.put(place, "pair", {"key": FIRST})
    connectors.edit(place, "pair", {"hosts": ["api.example.org"]})
    assert [slot.fits for slot in credentials.states(place, "pair")] == [False, True]


@pytest.mark.parametrize("wrong", ["", "sh0rt", "two\nlines-of-secret", "non-ascii-sécret-0123"])
def test_an_unfit_secret_is_refused_by_slot_and_not_repeated(place: Session, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        credentials.put(place, "pair", {"key": FIRST, "app": wrong})
    [fault] = caught.value.faults
    assert fault.path == ("secrets", "app")
    assert not wrong or wrong not in f"{caught.value} {caught.value.hint} {caught.value.faults}"
    assert not any(slot.is_set for slot in credentials.states(place, "pair"))


def test_an_unknown_slot_is_not_found(place: Session) -> None:
    with pytest.raises(NotFoundError, match="no slot 'secret'"):
        credentials.put(place, "pair", {"secret": FIRST})


@pytest.mark.parametrize(
    ("template", "typed", "is_taken"),
    [
        ("Bearer {key}", f"Bearer {FIRST}", False),
        ("Bearer {key}", f"bearer {FIRST}", False),
        ("Token token={key}", f"Token token={FIRST}", False),
        ("Bearer {key}", f"Bearers{FIRST}", True),
        ("{key}", f"Bearer {FIRST}", True),
    ],
)
def test_a_scheme_that_is_put_before_it_anyway_is_no_part_of_a_secret(
    place: Session, template: str, typed: str, is_taken: bool
) -> None:
    placement = [{"header": "Authorization", "template": template}]
    connectors.create(
        place, "One", {"type": "api_key", "hosts": ["a.example.com"], "placement": placement}
    )
    if is_taken:
        [key] = credentials.put(place, "one", {"key": typed})
        assert key.is_set
        return
    with pytest.raises(UsageError, match="which is put before it anyway") as caught:
        credentials.put(place, "one", {"key": typed})
    assert FIRST not in f"{caught.value} {caught.value.hint}"
