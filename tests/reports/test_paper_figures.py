"""Figures for print: the right pictures in the right cells, in a size and form that a paper takes."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shrunk import NO_GROUPS, shrunk, small
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.reports.paper_figures import _spread
from lcoins.reports.picture_grid import PictureRow, picture_grid
from lcoins.training.run import train_run

# Test pictures of another size than the model's, as photos have them (224 and 160).
SHORTEST = (
    "recipe.epochs=1",
    "data.train.length=16",
    "data.batch_size=8",
    "data.eval_size=48",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants trained for a moment: with groups, and without."""
    place = tmp_path_factory.mktemp("runs")
    for name, model in (("full", {}), ("no_ge", NO_GROUPS)):
        train_run(shrunk(*SHORTEST, **model), place / f"ablation={name}" / "seed=0")
    return place


def figures(*arguments: object) -> list[Path]:
    done = CliRunner().invoke(app, ["report", "figures", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [Path(line.removeprefix("wrote ")) for line in done.output.splitlines() if line.startswith("wrote ")]


def test_one_command_draws_them_all(trained: Path, tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "gray").save(tmp_path / "old.png")
    mine = ["--photo", tmp_path / "old.png", "--sentence", "a red wall"]
    written = figures(trained, "-o", tmp_path / "out", "--rows", 2, *mine)
    names = ["augmentation", "comparison_instances", "groups_instances", "attention_instances", "photos"]
    assert [path.name for path in written] == [name + end for name in names for end in (".png", ".pdf")]
    for path in written[::2]:
        with Image.open(path) as picture:
            assert picture.width == round(6.9 * 300)
            assert len(picture.convert("RGB").getcolors(10**6) or []) > 3
    for path in written[1::2]:
        content = path.read_bytes()
        assert content.startswith(b"%PDF") and re.search(rb"/FontFile2", content), "text is text, not curves"


def test_a_baseline_without_groups_has_no_figures_of_groups(trained: Path, tmp_path: Path) -> None:
    written = figures(trained, "-o", tmp_path, "--rows", 1, "--baseline", "no_ge", "--set", "clear")
    assert {path.stem for path in written} == {"augmentation", "comparison_clear"}


def test_a_compared_system_has_no_groups_to_draw_and_one_line_says_so(tmp_path: Path) -> None:
    train_run(small("lcode", *SHORTEST), tmp_path / "runs" / "default" / "seed=0")
    done = CliRunner().invoke(app, ["report", "figures", str(tmp_path / "runs"), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0 and done.exception is None
    *written, last = done.output.splitlines()
    assert {Path(line).stem for line in written} == {"augmentation", "comparison_instances"}
    assert last.startswith("groups and attention are not drawn: the baseline is no L-CoIns")


def test_refusals(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no test set 'x'; choose one of clear, instances"):
        figures(trained, "-o", tmp_path, "--set", "x")
    with pytest.raises(ValueError, match="none of the 2 pairs shown has the word 'mauve'"):
        figures(trained, "-o", tmp_path, "--rows", 2, "--word", "mauve")
    with pytest.raises(ValueError, match="1 photos but 0 sentences"):
        figures(trained, "-o", tmp_path, "--photo", "p.png")


def test_each_pair_is_shown_once() -> None:
    assert _spread(3, 4) == [0, 1, 2] and _spread(10, 4) == [0, 2, 5, 7] and _spread(0, 4) == []


def test_pictures_stand_in_their_cells_and_captions_wrap(tmp_path: Path) -> None:
    red, blue = (np.full((10, 10, 3), color, np.uint8) for color in ((255, 0, 0), (0, 0, 255)))
    long = "a caption that is far too long for one line of a paper " * 4
    picture_grid(["one", "two"], [PictureRow([red, blue], long), PictureRow([blue, red])], tmp_path / "g", width=2)
    with Image.open(tmp_path / "g.png") as file:
        pixels = torch.from_numpy(np.asarray(file.convert("RGB")).copy())
    assert pixels.shape[1] == 600
    is_red = (pixels[..., 0] > 250) & (pixels[..., 1] < 5) & (pixels[..., 2] < 5)
    rows = is_red.any(dim=1).nonzero().flatten()
    gap = int((rows[1:] - rows[:-1]).max())
    assert is_red[int(rows[0]) + 5, :295].all() and not is_red[int(rows[0]) + 5, 305:].any()
    assert is_red[int(rows[-1]) - 5, 305:].all() and not is_red[int(rows[-1]) - 5, :295].any()
    ink = (pixels.sum(dim=2) < 100).any(dim=1)
    beneath = ink[int(rows[-1]) - 295 - gap : int(rows[-1]) - 295]
    assert gap > 100 and int((beneath[1:] & ~beneath[:-1]).sum()) >= 4  # four lines of text or more
    with pytest.raises(ValueError, match="no pictures for"):
        picture_grid(["one"], [], tmp_path / "none")
