"""Timing one photo: every stage is there, and the command shows them."""

from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from shrunk import MODEL
from typer.testing import CliRunner

from lcoins.benchmark.photo import StageTimes, drawn_photo, stage_table, time_photo
from lcoins.cli.main import app
from lcoins.models.build import build_colorizer


def test_every_stage_of_a_photo_is_timed(tmp_path: Path) -> None:
    drawn_photo(tmp_path / "scene.jpg", 0.05)
    times = time_photo(lambda: build_colorizer(MODEL), tmp_path / "scene.jpg", "a red star and a teal ring")  # type: ignore[arg-type, return-value]
    assert list(times.seconds) == [
        "load the system",
        "first pass of the network",
        "read the photo's lightness",
        "shrink",
        "network",
        "enlarge, fit into the gamut, join",
        "test the effect of 2 words",
        "write a JPEG",
    ]
    assert all(seconds > 0 for seconds in times.seconds.values())
    assert times.peak_mib > 100


def test_the_drawn_photo_has_the_size_asked_for(tmp_path: Path) -> None:
    drawn_photo(tmp_path / "scene.jpg", 0.3)
    with Image.open(tmp_path / "scene.jpg") as scene:
        assert scene.width * scene.height == pytest.approx(0.3e6, rel=0.01)
        assert scene.width / scene.height == pytest.approx(4 / 3, rel=0.01)


def test_what_one_photo_costs_leaves_loading_out() -> None:
    stages = StageTimes({"load the system": 5.0, "first pass of the network": 1.0, "network": 0.25, "x": 0.5}, 9)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(stage_table(stages, "t"))
    (row,) = [line for line in shown.get().splitlines() if "after loading" in line]
    assert "0.750" in row


def test_the_command_times_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcoins.colorize.photo.load_trained", lambda *_: (build_colorizer(MODEL), {}))
    arguments = ["bench", "infer", "--checkpoint", "x", "--megapixels", "0.05"]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    assert "one photo, after loading" in done.output
