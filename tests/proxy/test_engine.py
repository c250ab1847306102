from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from config.connector import Connector, HeaderPlacement, binding_of
from config.destination import Destination
from config.errors import KeyhatchError
from config.template import Template
from proxy.audit.journal import AuditUnavailableError, Journal
from proxy.audit.record import Result
from proxy.callers import Callers, Lease
from proxy.engine import Engine, Material
from proxy.policy.decision import Caller, Intercept
from proxy.problems import Problem, ProblemCode, render_problem
from proxy.secret import Secret
from proxy.telemetry.meters import Meters
from proxy.vault.errors import (
    BindingChangedError,
    SecretMissingError,
    VaultBusyError,
    VaultDamagedError,
    VaultLockedError,
)
from tests.support.connectors import a_connector
from tests.support.journals import a_subject
from tests.support.registries import owning, snapshot_of

NOW = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
CANARY = "canary-3f7a9c51e0d24b68"
HUB = owning("hub", "api.hubapi.com:443")
SUBJECT = a_subject()


class FakeVault:
    """Holds one value for every slot, or fails; remembers what it was asked for."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.asked: list[tuple[str, str, bytes]] = []

    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:
        self.asked.append((connector_id, slot, binding))
        if self.fault is not None:
            raise self.fault
        return Secret(CANARY)


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def engine(tmp_path: Path, vault: FakeVault) -> Iterator[Engine]:
    journal = Journal(tmp_path / "audit")
    yield Engine(
        snapshot=snapshot_of(HUB),
        callers=Callers(),
        secrets=vault,
        journal=journal,
        now=lambda: NOW,
    )
    journal.close()


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    folder = tmp_path / "audit"
    folder.mkdir()
    return folder


class TestMaterial:
    def test_every_slot_is_opened_under_the_binding_of_the_moment(
        self, engine: Engine, vault: FakeVault
    ) -> None:
        two = a_connector(
            HeaderPlacement("x-key", Template("{api_key}")),
            HeaderPlacement("x-app", Template("{app_key}")),
        )
        material = engine.material(two)
        assert isinstance(material, Material)
        assert material.reveal() == {"api_key": CANARY, "app_key": CANARY}
        binding = binding_of(two)
        assert vault.asked == [("example", "api_key", binding), ("example", "app_key", binding)]

    def test_it_is_opened_once_for_a_snapshot(self, engine: Engine, vault: FakeVault) -> None:
        first = engine.material(HUB)
        assert engine.material(HUB) is first
        engine.swap(snapshot_of(HUB, number=2))
        engine.material(HUB)
        assert len(vault.asked) == 2

    def test_a_failure_is_not_remembered(self, engine: Engine, vault: FakeVault) -> None:
        vault.fault = SecretMissingError("none")
        assert isinstance(engine.material(HUB), Problem)
        vault.fault = None
        assert isinstance(engine.material(HUB), Material)

    @pytest.mark.parametrize(
        ("fault", "code", "command"),
        [
            (SecretMissingError("x"), ProblemCode.CREDENTIAL_MISSING, "set hub --secret-stdin"),
            (BindingChangedError("x"), ProblemCode.CONNECTOR_CHANGED, "confirm hub"),
            (VaultDamagedError("x"), ProblemCode.CREDENTIAL_MISSING, "show hub"),
            (VaultLockedError("x"), ProblemCode.CREDENTIAL_MISSING, "show hub"),
            (VaultBusyError("x"), ProblemCode.CREDENTIAL_MISSING, "show hub"),
        ],
    )
    def test_invariant_03_what_does_not_open_is_a_problem_with_the_next_step(
        self,
        engine: Engine,
        vault: FakeVault,
        fault: KeyhatchError,
        code: ProblemCode,
        command: str,
    ) -> None:
        vault.fault = fault
        problem = engine.material(HUB)
        assert isinstance(problem, Problem)
        assert (problem.code, problem.connector, problem.http_status) == (code, "hub", 503)
        assert f"keyhatch connector {command}" in problem.hint

    def test_invariant_06_a_changed_connector_is_named_so(
        self, engine: Engine, vault: FakeVault
    ) -> None:
        vault.fault = BindingChangedError("goes elsewhere")
        problem = engine.material(HUB)
        assert isinstance(problem, Problem)
        assert problem.code is ProblemCode.CONNECTOR_CHANGED

    def test_invariant_03_no_error_is_taken_for_no_secret(
        self, engine: Engine, vault: FakeVault
    ) -> None:
        """What the vault never raises on purpose goes up to the lane, which ends the flow."""
        vault.fault = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            engine.material(HUB)

    def test_invariant_04_an_agent_does_not_learn_what_is_wrong_with_the_vault(
        self, engine: Engine, vault: FakeVault
    ) -> None:
        vault.fault = VaultDamagedError("page 7 of vault.db", hint="restore it")
        with structlog.testing.capture_logs() as logs:
            problem = engine.material(HUB)
        assert isinstance(problem, Problem)
        assert b"vault.db" not in render_problem(problem).body
        assert [(entry["connector"], entry["error"]) for entry in logs] == [
            ("hub", "page 7 of vault.db")
        ]

    def test_invariant_07_opened_secrets_show_in_nothing_that_prints(self, engine: Engine) -> None:
        material = engine.material(HUB)
        shown = [repr(material), str(material), f"{material}", repr(engine), repr(vars(engine))]
        assert not [text for text in shown if CANARY in text]


class TestAudit:
    def test_an_intent_is_on_disk_before_the_call_returns(
        self, audit: Path, engine: Engine
    ) -> None:
        engine.record_intent(SUBJECT)
        (file,) = audit.iterdir()
        assert b'"event":"intent"' in file.read_bytes()

    def test_invariant_03_without_an_audit_log_the_intent_fails(self, engine: Engine) -> None:
        with pytest.raises(AuditUnavailableError):
            engine.record_intent(SUBJECT)

    def test_an_outcome_that_cannot_be_recorded_is_told_and_not_raised(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        result = Result(200, None, 0, 0, 1.0)
        assert engine.record_outcome(SUBJECT, result) is False
        (tmp_path / "audit").mkdir()
        assert engine.record_outcome(SUBJECT, result) is True
        assert engine.unrecorded == 1

    def test_observers_are_told_of_each_end_and_of_records_that_are_lost(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        meters = Meters()
        engine.observers.add(meters)
        engine.record_outcome(SUBJECT, Result(200, None, 0, 0, 1.0))
        with pytest.raises(AuditUnavailableError):
            engine.record_intent(SUBJECT)
        (tmp_path / "audit").mkdir()
        engine.record_outcome(SUBJECT, Result(200, None, 0, 0, 1.0))
        engine.record_intent(SUBJECT)
        assert (sum(meters.requests.values()), meters.records_lost) == (2, 2)


class TestCallers:
    def test_no_header_no_digest_no_caller(self, engine: Engine) -> None:
        assert engine.digest(None) is None
        assert engine.identify(None) is None

    def test_a_lease_is_identified_by_what_it_presents(self, engine: Engine) -> None:
        token = engine.callers.open_lease(Lease(None, frozenset({"hub"})))
        digest = engine.digest(f"Bearer {token.reveal()}")
        assert engine.identify(digest) == Caller("run", frozenset({"hub"}))

    def test_decisions_follow_the_newest_snapshot(self, engine: Engine) -> None:
        place, caller = Destination("https", "api.hubapi.com", 443), Caller("a", None)
        assert isinstance(engine.decide_tunnel(place, caller), Intercept)
        engine.swap(snapshot_of(_elsewhere(), number=2))
        assert not isinstance(engine.decide_tunnel(place, caller), Intercept)


def _elsewhere() -> Connector:
    return owning("hub", "elsewhere.example:443")
