"""The growth of a step: what is timed, multiples of the base, and the command that writes them."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lcoins.benchmark import growth
from lcoins.benchmark.growth import BASE_WORDS, measure_growth
from lcoins.benchmark.step import StepCase, StepTiming, time_step
from lcoins.cli import hydra_commands
from lcoins.cli.main import app

TIMING = StepTiming("step", "32-true", 1.0, 1.0, 1.0, 1.0, 1.0, 100.0, 10**9, 0.1, 0.2, 0.5, 0.8)


def pretend(monkeypatch: pytest.MonkeyPatch) -> list[tuple[StepCase, int]]:
    """Lets a step take a second, 100 MiB and 10**9 operations for each picture; returns what is asked for."""
    asked = []

    def time_steps(cases: list[StepCase], batch_size: int, *rest: Any) -> list[StepTiming]:
        asked.append((cases[0], batch_size))
        size = {"processor_seconds": batch_size, "peak_mib": 100.0 * batch_size, "operations": batch_size * 10**9}
        return [replace(TIMING, **size)]  # type: ignore[arg-type]

    monkeypatch.setattr(growth, "time_steps", time_steps)
    # What the command sets in this process is taken back after the test.
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr(sys, "argv", ["lcoins"])
    return asked


@pytest.mark.parametrize(
    ("system", "axes"),
    [
        (None, ["", *["image side"] * 3, *["groups"] * 4, *["words"] * 3, *["batch"] * 3]),
        ("lcode_tiny", ["", *["image side"] * 3, *["words"] * 3, *["batch"] * 3]),
    ],
)
def test_one_size_differs_at_a_time(monkeypatch: pytest.MonkeyPatch, system: str | None, axes: list[str]) -> None:
    asked = pretend(monkeypatch)
    points = measure_growth(
        configs_with(*([f"system={system}"] if system else [])),
        batch_size=8,
        precision="32-true",
        compile="none",
        warmup=0,
        steps=1,
        device="cpu",
    )
    assert [point.axis for point in points] == axes
    base = asked[0]
    assert base[1] == 8 and base[0].words == BASE_WORDS
    for point, (case, batch) in zip(points[1:], asked[1:], strict=True):
        own = {
            "image side": case.model["image_size"],
            "groups": case.model.get("transformer", {}).get("n_groups"),
            "words": case.words,
            "batch": batch,
        }
        usual = {
            "image side": base[0].model["image_size"],
            "groups": base[0].model.get("transformer", {}).get("n_groups"),
            "words": BASE_WORDS,
            "batch": 8,
        }
        assert {axis: value for axis, value in own.items() if value != usual[axis]} == {point.axis: point.value}


def configs_with(*overrides: str) -> growth.ConfigWith:
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    def config_with(key: str, value: Any) -> dict[str, Any]:
        with initialize_config_dir(str(hydra_commands.conf_folder()), version_base="1.3"):
            cfg = compose("bench", overrides=[*overrides, f"{key}={value}"])
        parts = {
            name: OmegaConf.to_container(cfg[name], resolve=True) for name in ("model", "objective", "augmentation")
        }
        return parts  # type: ignore[return-value]

    return config_with


@pytest.mark.parametrize("axis", ["image side", "groups", "words"])
def test_the_largest_of_each_size_is_a_step_that_runs(axis: str) -> None:
    config_with = configs_with()
    base = growth._case(config_with("batch_size", 1), "32-true", "none")
    cases = {name: case for name, _, case, _ in growth._changed(config_with, base, 1, "32-true", "none")}
    timing = time_step(cases[axis], 1, warmup=0, steps=1, device="cpu")
    assert timing.processor_seconds > 0 and timing.operations > 0


def test_the_command_writes_multiples_of_the_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch)
    done = CliRunner().invoke(app, ["bench", f"growth={tmp_path / 'out' / 'growth.png'}", "batch_size=8"])
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out" / "growth.json").read_text())
    batches = {row["value"]: row for row in written["rows"] if row["axis"] == "batch"}
    assert {value: row["operations"] for value, row in batches.items()} == {2: 0.25, 4: 0.5, 16: 2.0}
    assert all(row["seconds"] == row["memory"] == row["operations"] for row in batches.values())
    assert {row["seconds_over_operations"] for row in written["rows"]} == {1.0}
    assert written["base"] == {"image side": 64, "words": 16, "batch": 8, "groups": 8}
    assert (tmp_path / "out" / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_another_ending_is_refused_before_anything_is_timed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = pretend(monkeypatch)
    done = CliRunner().invoke(app, ["bench", f"growth={tmp_path / 'growth.pdf'}"])
    assert done.exit_code == 2 and "must end in .png" in done.output and not asked
