from proxy.problems import ProblemCode
from proxy.strangers import MAX_PEERS, MAX_WRONG, WINDOW, Strangers
from proxy.vault.tokens import token_digest


class ManualClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def guess(strangers: Strangers, number: int, peer: str = "127.0.0.1") -> int:
    return strangers.refusal(peer, token_digest(f"guess {number}")).http_status


def test_different_wrong_tokens_from_one_address_come_to_429() -> None:
    """J08."""
    strangers = Strangers(ManualClock())
    assert {guess(strangers, number) for number in range(MAX_WRONG)} == {407}
    problem = strangers.refusal("127.0.0.1", token_digest("one more"))
    assert (problem.http_status, problem.code) == (429, ProblemCode.LIMIT_EXCEEDED)
    assert problem.retry_after == WINDOW


def test_the_same_wrong_token_is_told_that_it_is_wrong_however_often() -> None:
    strangers = Strangers(ManualClock())
    assert {guess(strangers, 1) for _ in range(10 * MAX_WRONG)} == {407}
    for number in range(10 * MAX_WRONG):
        guess(strangers, number)
    assert guess(strangers, 1) == 407


def test_no_token_and_an_expired_one_are_no_guesses() -> None:
    strangers = Strangers(ManualClock())
    for number in range(10 * MAX_WRONG):
        assert strangers.refusal("::1", None).http_status == 407
        digest = token_digest(f"was valid {number}")
        assert "expired" in strangers.refusal("::1", digest, expired=True).detail
    assert guess(strangers, 0, "::1") == 407


def test_another_address_is_not_concerned() -> None:
    strangers = Strangers(ManualClock())
    for number in range(10 * MAX_WRONG):
        guess(strangers, number, "192.0.2.1")
    assert guess(strangers, 0, "192.0.2.2") == 407


def test_it_is_over_when_the_window_is() -> None:
    clock = ManualClock()
    strangers = Strangers(clock)
    for number in range(2 * MAX_WRONG):
        guess(strangers, number)
    clock.time += WINDOW - 1
    problem = strangers.refusal("127.0.0.1", token_digest("still"))
    assert (problem.http_status, problem.retry_after) == (429, 1)
    clock.time += 1
    assert guess(strangers, 0) == 407


def test_no_flood_of_addresses_takes_more_memory_than_a_bound() -> None:
    strangers = Strangers(ManualClock())
    for number in range(2 * MAX_PEERS):
        guess(strangers, number, f"2001:db8::{number:x}")
    assert len(strangers._peers) == MAX_PEERS
