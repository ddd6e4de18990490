"""Waiting threads spin for a bounded time, unless the user says how they wait; set before PyTorch is loaded."""

import os
import subprocess
import sys

import pytest

from lcoins.cli.spin import CHOICES, SPIN, bound_spin, spin_setting

COMMAND = """
import os, sys
from lcoins.cli import main
before = "torch" in sys.modules, os.environ.get("GOMP_SPINCOUNT")
main.app = lambda: print(before, "torch" in sys.modules, os.environ.get("GOMP_SPINCOUNT"))
main.main()
"""


def test_the_command_sets_it_before_torch_and_importing_sets_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in CHOICES}
    done = subprocess.run([sys.executable, "-c", COMMAND], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(False, None) False 10000"


@pytest.mark.parametrize("name", CHOICES)
def test_the_users_choice_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in CHOICES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "passive")
    bound_spin()
    assert spin_setting() == f"{name}=passive"
    monkeypatch.delenv(name)
    assert spin_setting() == "the runtime's own"
    for variable in SPIN:
        monkeypatch.setenv(variable, "")  # put back at the end of the test
        monkeypatch.delenv(variable)
    bound_spin()
    assert {variable: os.environ[variable] for variable in SPIN} == SPIN
