"""The one gate: what an installation runs that may speak to the world."""

from __future__ import annotations

from typing import Any, cast

import pytest
from pydantic import SecretStr

from cli.keeping.findings import State, judge_outbound
from integrations.gateways.registry import GatewayRegistry
from runtime.relays.outbound import QuietGateways, gateways_of, outside_of
from runtime.relays.sandbox_gateway import SandboxReach
from runtime.relays.together import relays_of
from runtime.setting_errors import InvalidSettings
from runtime.settings import Settings
from services.operations.outbound import Outbound


def settings_of(**given: Any) -> Settings:
    return Settings(_env_file=None, secret_key=SecretStr("k" * 40), **given)


def names_of_relays(settings: Settings) -> list[str]:
    """What runs in each process of such an installation."""
    nothing = cast("Any", None)
    counters = cast(
        "Any",
        type("Counters", (), {"count_forgotten": staticmethod(print), "count_delivery": None}),
    )
    return [type(one).__name__ for one in relays_of(nothing, nothing, settings, nothing, counters)]


def test_quiet_installation_runs_nothing_that_speaks_to_the_world() -> None:
    quiet = settings_of(outbound="off")

    # Alerts and thresholds are looked at: what they tell is queued, and waits as all that leaves.
    assert names_of_relays(quiet) == ["OutboxRelay", "LookRelay", "LookRelay", "Retention"]
    assert outside_of(quiet) is None
    assert isinstance(gateways_of(quiet, cast("SandboxReach", None)), QuietGateways)


def test_installation_speaks_to_the_world_unless_told_otherwise() -> None:
    settings = settings_of()
    reach = cast("SandboxReach", type("Reach", (), {"client": None}))

    assert settings.outbound is Outbound.ON
    assert outside_of(settings) is not None
    assert isinstance(gateways_of(settings, reach), GatewayRegistry)


def test_setting_is_one_of_two_words() -> None:
    with pytest.raises(InvalidSettings, match="FLUXRATE_OUTBOUND must be on or off"):
        settings_of(outbound="quiet")


def test_doctor_says_that_nothing_leaves() -> None:
    assert judge_outbound("on").state is State.GOOD
    assert judge_outbound("off").state is State.DOUBTFUL
