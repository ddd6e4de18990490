"""The comparison of two ways to enlarge colors, on photos whose answer is known."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.color import lab
from lcoins.data.captioned_instances import Polygons
from lcoins.data.pairs import Pair
from lcoins.models.colorizer import Colorization
from lcoins.reports.edge_study import EnlargementScores, _band, compare_enlargements, enlargement_table

SIZE = 128


class Oracle:
    """Knows the colors of the halves drawn below, as far as 16 x 16 pixels can hold them."""

    image_size = 16

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        return Colorization(lab.to_network_ab(lab.resize_ab(lab.split_lab(halves())[1], (16, 16))))


def halves() -> Tensor:
    """A dark red half beside a bright blue one, (1, 3, SIZE, SIZE) in 8-bit levels."""
    pixels = torch.empty(1, 3, SIZE, SIZE)
    pixels[..., : SIZE // 2 + 3] = torch.tensor([120.0, 30.0, 40.0]).view(1, 3, 1, 1) / 255
    pixels[..., SIZE // 2 + 3 :] = torch.tensor([150.0, 180.0, 250.0]).view(1, 3, 1, 1) / 255
    return pixels


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    pixels = (halves()[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text("photo,caption\na.png,a red and a blue half\n")
    edge = SIZE // 2 + 3
    (tmp_path / "instances.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.png", "width": SIZE, "height": SIZE}],
                "categories": [{"id": 1, "name": "kite"}],
                "annotations": [
                    {
                        "image_id": 1,
                        "category_id": 1,
                        "iscrowd": 0,
                        "segmentation": [[edge, 0, edge, SIZE - 1, SIZE - 1, SIZE - 1, SIZE - 1, 0]],
                    }
                ],
            }
        )
    )
    return tmp_path


def test_colors_along_edges_are_nearer_to_the_photo(photos: Path) -> None:
    pairs = [Pair("a.png", "a red and a blue half", 2)]
    figures = compare_enlargements(Oracle(), photos, pairs, Polygons(photos / "instances.json"), None)
    bilinear, guided = figures["bilinear"], figures["along edges"]
    assert bilinear.lpips is None
    assert guided.psnr > bilinear.psnr + 1
    assert guided.error < 0.7 * bilinear.error
    assert bilinear.edge_error is not None
    assert guided.edge_error is not None
    assert guided.edge_error < bilinear.edge_error
    assert bilinear.edge_error > bilinear.error  # it is the edges where bilinear errs


def test_the_edges_of_run_lengths_count_too(photos: Path) -> None:
    content = json.loads((photos / "instances.json").read_text())
    content["annotations"][0]["segmentation"] = {"counts": [0, SIZE * SIZE // 2, SIZE * SIZE // 2]}
    (photos / "instances.json").write_text(json.dumps(content))
    band = _band(Polygons(photos / "instances.json").photos["a.png"], (SIZE, SIZE))
    assert band[:, SIZE // 2 - 1].all() and not band[:, [0, -1]].any()


def test_photos_without_outlines_have_no_figure_for_them(photos: Path) -> None:
    figures = compare_enlargements(Oracle(), photos, [Pair("a.png", "red", 1)], None, None)
    assert {own.edge_error for own in figures.values()} == {None}


def test_the_table_leaves_out_what_was_not_measured() -> None:
    from rich.console import Console

    console = Console(width=100)
    with console.capture() as shown:
        console.print(enlargement_table({"bilinear": EnlargementScores(20.123, None, 5.0, 6.789)}, 3))
    (row,) = [line for line in shown.get().splitlines() if "bilinear" in line]
    assert [cell.strip() for cell in row.strip(" │┃").split("│")] == ["bilinear", "20.12", "", "5.00", "6.79"]


def test_the_command_prints_both_ways(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcoins.models.checkpoint.load_trained", lambda *_: (Oracle(), {}))
    arguments = ["report", "edges", str(photos), str(photos / "list.csv"), "--checkpoint", "x"]
    done = CliRunner().invoke(app, [*arguments, "--lpips", str(photos / "none.pth")], env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    assert "bilinear" in done.output
    assert "along edges" in done.output
    assert "lpips_alex not computed" in done.output
