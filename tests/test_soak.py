"""A short soak; ``make soak`` runs the long one."""

from __future__ import annotations

from tests.soak import main


def test_a_short_soak_goes_well() -> None:
    assert main(["--trials", "5", "--kills", "1", "--fillings", "1", "--lines", "1"]) == 0
