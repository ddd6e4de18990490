"""The evaluation with made-up colorizers whose figures are known: the oracle, gray, a follower and an ignorer."""

import csv
import io
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from rich.console import Console
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lcoins.color.lab import resize_ab, split_lab, to_network_ab
from lcoins.color.words import COLOR_LAB, find_colors
from lcoins.data.types import Instances, Sample, collate
from lcoins.evaluation.averages import average_rows, recoloring_figures
from lcoins.evaluation.groups import stability
from lcoins.evaluation.lpips import Lpips, available_lpips
from lcoins.evaluation.protocol import EvaluationOptions, evaluate
from lcoins.evaluation.result import EvaluationReport, flat_figures, print_reports, write_json

SIZE = 32
PALETTE = {
    "red": (48.0, 54.0, 33.0),
    "blue": (36.0, 10.0, -47.0),
    "green": (55.0, -44.0, 38.0),
    "gray": (60.0, 0.0, 0.0),
}


class Fake(nn.Module):
    """A colorizer that paints by a function of captions; it takes and gives the network's scale."""

    def __init__(self, paint: Callable[[list[str], int], Tensor], size: int = SIZE, groups: int = 0):
        super().__init__()
        self.paint, self.image_size, self.groups = paint, size, groups
        self.lightness: list[Tensor] = []

    def colorize(self, lightness: Tensor, captions: list[str]) -> SimpleNamespace:
        assert lightness.shape == (len(captions), 1, self.image_size, self.image_size)
        self.lightness.append(lightness)
        assignment = torch.eye(self.groups).expand(len(captions), -1, -1) if self.groups else None
        return SimpleNamespace(ab=to_network_ab(self.paint(captions, self.image_size)), assignment=assignment)


class Photos(Dataset[Sample]):
    """Random photos, the captions given, and, for captions "<color> left, <color> right", two instances."""

    def __init__(self, captions: list[tuple[str, str]]):
        self.captions = captions
        generator = torch.Generator().manual_seed(0)
        coarse = torch.rand(len(captions), 3, 6, 6, generator=generator)
        photos = nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bilinear")
        self.rgb = (photos * 255).round() / 255

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, index: int) -> Sample:
        caption, recolored = self.captions[index]
        instances = None
        if "left" in caption:
            masks = torch.zeros(2, SIZE, SIZE, dtype=torch.bool)
            masks[0, :, : SIZE // 2] = masks[1, :, SIZE // 2 :] = True
            instances = Instances(masks, tuple(found.color for found in find_colors(caption)))
        return Sample(self.rgb[index], caption, recolored, index, f"photo{index}", instances)


def gray(captions: list[str], size: int) -> Tensor:
    return torch.zeros(len(captions), 2, size, size)


def sides(captions: list[str], size: int) -> Tensor:
    """Left half in the first color word, right half in the last one."""
    ab = gray(captions, size)
    for index, caption in enumerate(captions):
        words = find_colors(caption)
        if words:
            ab[index, :, :, : size // 2] = torch.tensor(COLOR_LAB[words[0].color][1:])[:, None, None]
            ab[index, :, :, size // 2 :] = torch.tensor(COLOR_LAB[words[-1].color][1:])[:, None, None]
    return ab


PLAIN = [
    ("a red bus", "a blue bus"),
    ("a cat", "a cat"),
    ("a gray dog", "a green dog"),
    ("red and blue", "blue and red"),
]
PAIRED = [
    ("red left, blue right", "green left, red right"),
    ("green left, gray right", "blue left, red right"),
    ("blue left, red right", "gray left, green right"),
]


def run(model: Fake, tmp_path, captions=PLAIN, title="dev", **options) -> EvaluationReport:
    loader = DataLoader(Photos(captions), batch_size=3, collate_fn=collate)
    return evaluate(model, loader, EvaluationOptions(**options), tmp_path, title)


def oracle(photos: Photos) -> Callable[[list[str], int], Tensor]:
    truth = {caption: split_lab(photos.rgb[i : i + 1])[1][0] for i, (caption, _) in enumerate(photos.captions)}
    return lambda captions, size: torch.stack([truth[caption] for caption in captions])


def test_the_oracle_is_perfect(tmp_path):
    report = run(Fake(oracle(Photos(PLAIN))), tmp_path)
    assert report.figures["psnr"] == math.inf
    assert report.figures["ssim"] == pytest.approx(1, abs=1e-12)
    assert report.figures["colorfulness"] == report.figures["colorfulness_truth"] > 10
    assert report.notes[0].startswith("psnr: of 4 pairs 4 equal their reference, and 0 do so without color; no other")
    assert json.loads((tmp_path / "dev.json").read_text())["figures"]["psnr"] is None


def test_a_black_photo_leaves_the_mean_of_the_others(tmp_path):
    """Without color it equals its reference, and an infinite mean would say nothing of the other pairs."""

    class WithBlack(Photos):
        def __init__(self, captions):
            super().__init__(captions)
            self.rgb[1] = 0

    loader = DataLoader(WithBlack(PLAIN), batch_size=3, collate_fn=collate)
    report = evaluate(Fake(sides), loader, EvaluationOptions(), tmp_path, "dev")
    with (tmp_path / "dev_pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["gray_psnr"] == "inf"
    for name in ("psnr", "gray_psnr"):
        assert report.figures[name] == pytest.approx(np.mean([float(rows[index][name]) for index in (0, 2, 3)]))
    (note,) = report.notes
    assert note.endswith("and 1 do so without color; the means are over the other 3")


def test_the_error_of_the_gain_sums_deviations_by_photo() -> None:
    """Two captions of one photo go wrong together: by hand, deviations of 2 and -2 by photo, over four pairs."""
    moved = [("a", 5.0), ("a", 5.0), ("b", 3.0), ("b", 3.0)]
    rows = [
        {"name": f"{photo}_{i}", "photo": photo, "recolor_towards": way + 1, "recolor_control": 1.0}
        for i, (photo, way) in enumerate(moved)
    ]
    found = recoloring_figures([*rows, {"name": "c", "photo": "c"}], average_rows(rows))
    assert (found["recolor_gain"], found["recolor_pairs"], found["recolor_toward_share"]) == (4, 4, 1)
    assert found["recolor_gain_error"] == pytest.approx(math.sqrt(2**2 + 2**2) / 4)


@pytest.mark.parametrize(("groups", "kept"), [(256, np.uint8), (324, np.uint16)])
def test_the_groups_of_tokens_are_kept_however_many_there_are(tmp_path, groups, kept):
    run(Fake(sides, groups=groups), tmp_path, sheet_rows=1)
    found = np.load(tmp_path / "dev_groups.npy")
    assert found.dtype == kept and found.tolist() == [list(range(groups))] * 4
    assert stability(*[torch.from_numpy(found).long()] * 2) == pytest.approx(1)


def test_a_gray_prediction_equals_the_gray_floor(tmp_path):
    report = run(Fake(gray), tmp_path)
    for name in ("psnr", "ssim"):
        assert report.figures[name] == report.figures[f"gray_{name}"]
    assert report.figures["psnr"] < 30
    assert report.notes == []


def test_the_protocol_against_scikit_images_lab(tmp_path):
    """Gray prediction: both pictures through scikit-image's Lab and back, clipped, truncated, compared in float64."""
    report = run(Fake(gray), tmp_path)
    expected = []
    for rgb in Photos(PLAIN).rgb.permute(0, 2, 3, 1).double().numpy():
        lab = rgb2lab(rgb)
        floor = [np.floor(np.clip(lab2rgb(lab * scale), 0, 1) * 255) for scale in ((1, 1, 1), (1, 0, 0))]
        expected.append(10 * math.log10(255**2 / np.square(floor[0] - floor[1]).mean()))
    # Truncation may flip last bits, of a flat area all at once, and otherwise on another processor.
    assert report.figures["psnr"] == pytest.approx(np.mean(expected), abs=0.05)


def test_batch_size_changes_no_average(tmp_path):
    one = run(Fake(sides), tmp_path).figures
    loader = DataLoader(Photos(PLAIN), batch_size=4, collate_fn=collate)
    assert evaluate(Fake(sides), loader, EvaluationOptions(), tmp_path, "x").figures == pytest.approx(one)


def test_a_model_of_another_size_sees_its_own_size(tmp_path):
    model = Fake(lambda captions, size: resize_ab(oracle(Photos(PLAIN))(captions, SIZE), (size, size)), size=20)
    report = run(model, tmp_path)
    assert report.settings["size"] == [SIZE, SIZE] and report.settings["model_size"] == 20
    assert report.figures["psnr"] > report.figures["gray_psnr"] + 3
    expected = split_lab(Photos(PLAIN).rgb[:3])[0].mean() / 50 - 1
    assert float(model.lightness[0].mean()) == pytest.approx(float(expected), abs=0.01)


def test_color_words_of_a_follower_an_ignorer_and_a_swapper(tmp_path):
    obedient = run(Fake(sides), tmp_path, PAIRED, palette=PALETTE, recolor=True)
    assert obedient.figures["color_word_accuracy"] == 1
    assert obedient.figures["recolored_word_accuracy"] == 1
    assert obedient.figures["color_word_swapped"] == 0
    assert obedient.figures["chance"] == 1 / 4
    assert obedient.figures["chance_among_named"] == 1 / 2
    assert obedient.figures["gray_color_word_accuracy"] == pytest.approx(1 / 6)
    assert obedient.confusion == {word: {word: n} for word, n in (("red", 2), ("blue", 2), ("green", 1), ("gray", 1))}
    assert obedient.notes == []
    assert obedient.figures["response"] == pytest.approx(1, abs=0.2)  # it paints another red
    assert obedient.figures["named_delta_e"] < obedient.figures["gray_named_delta_e"]

    first = [caption for caption, _ in PAIRED]
    deaf = run(Fake(lambda c, size: sides(first[: len(c)], size)), tmp_path, PAIRED, palette=PALETTE, recolor=True)
    assert deaf.figures["recolored_word_accuracy"] == deaf.figures["response"] == 0
    swapping = run(Fake(lambda c, size: sides(c, size).flip(3)), tmp_path, PAIRED, palette=PALETTE)
    assert swapping.figures["color_word_accuracy"] == 0
    assert swapping.figures["color_word_swapped"] == 1


def test_recoloring_tells_the_follower_from_the_ignorer(tmp_path):
    follower = run(Fake(sides), tmp_path, recolor=True).figures
    assert follower["recolor_pairs"] == 2  # "a cat" names none, "red and blue" names two
    assert follower["recolor_hit"] == follower["recolor_nearer"] == follower["recolor_toward_share"] == 1
    distances = [math.dist(COLOR_LAB[a][1:], COLOR_LAB[b][1:]) for a, b in (("red", "blue"), ("gray", "green"))]
    assert follower["recolor_towards"] == pytest.approx(sum(distances) / 2, rel=1e-4)
    assert follower["recolor_gain"] > 30
    ignorer = run(Fake(gray), tmp_path, recolor=True).figures
    assert all(ignorer[f"recolor_{name}"] == 0 for name in ("shift", "towards", "gain", "hit", "nearer"))


def test_recoloring_without_a_fitting_caption_is_noted(tmp_path):
    report = run(Fake(gray), tmp_path, [("a cat", "a cat")], recolor=True)
    assert "recoloring not measured" in report.notes[0]
    assert not any(name.startswith("recolor") for name in report.figures)


def test_files_are_readable_and_complete(tmp_path):
    report = run(Fake(sides, groups=4), tmp_path, recolor=True)
    names = ["dev.json", "dev_groups.npy", "dev_pairs.csv", "dev_sheet.png"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert np.load(tmp_path / "dev_groups.npy").tolist() == [[0, 1, 2, 3]] * 4
    content = json.loads((tmp_path / "dev.json").read_text())
    assert content["figures"] == pytest.approx(report.figures)
    assert content["settings"]["pairs"] == 4
    with (tmp_path / "dev_pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["caption"] for row in rows] == [caption for caption, _ in PLAIN]
    assert sum(float(row["psnr"]) for row in rows) / 4 == pytest.approx(report.figures["psnr"])
    assert rows[0]["new"] == "blue" and rows[1]["new"] == ""


def test_nothing_is_left_when_the_colorizer_fails(tmp_path):
    with pytest.raises(ValueError, match=r"non-finite ab for \['photo0', 'photo1', 'photo2'\]"):
        run(Fake(lambda captions, size: gray(captions, size) + math.nan), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_partial_file_is_left_when_writing_fails(tmp_path, monkeypatch):
    def full_disk(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        run(Fake(gray), tmp_path)
    with pytest.raises(OSError, match="no space left"):
        write_json({"psnr": 1.0}, tmp_path / "metrics.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("title", ["", "a/b", ".."])
def test_a_title_that_is_no_file_name_is_refused(tmp_path, title):
    with pytest.raises(ValueError, match="plain file name"):
        run(Fake(gray), tmp_path, title=title)


def test_an_empty_loader_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the loader gave no pair"):
        evaluate(Fake(gray), [], EvaluationOptions(), tmp_path, "dev")


def test_lpips_stands_beside_its_gray_floor_and_names_its_weights(tmp_path):
    with torch.device("meta"):
        shapes = torchvision.models.alexnet(weights=None).features.state_dict()
    torch.save(
        {f"features.{key}": torch.randn(value.shape) / 10 for key, value in shapes.items()}, tmp_path / "alex.pth"
    )
    net = Lpips("alex", tmp_path / "alex.pth")
    missing = {"lpips_vgg": "put vgg.pth there"}
    report = run(Fake(gray), tmp_path / "out", lpips={"alex": net}, unavailable=missing)
    assert report.figures["lpips_alex"] == report.figures["gray_lpips_alex"] > 0
    assert re.fullmatch("[0-9a-f]{64}", report.settings["lpips"]["alex"]["sha256"])
    console = Console(record=True, width=120, file=io.StringIO())
    print_reports([report], console)
    assert "lpips_vgg not computed: put vgg.pth there" in console.export_text()
    report.unavailable = available_lpips({"vgg": tmp_path / "absent.pth"})[1]
    print_reports([report], console)
    printed = console.export_text()
    assert f"lpips_vgg not computed: no weights of torchvision's vgg16 at {tmp_path / 'absent.pth'}; " in printed
    page = Path(__file__).parents[2] / "docs" / "howto" / "evaluate.md"
    assert page.name in printed and "evaluation.lpips.alex=FILE" in page.read_text(encoding="utf-8")


def test_the_table_shows_prediction_gray_truth_and_chance(tmp_path):
    reports = [
        run(Fake(sides), tmp_path, PAIRED, palette=PALETTE, title="clear"),
        run(Fake(sides), tmp_path, title="dev", recolor=True),
    ]
    console = Console(record=True, width=140, file=io.StringIO())
    print_reports(reports, console)
    text = console.export_text()
    for word in ("clear, 3", "dev, 4", "gray", "truth", "chance", "1.000", "0.250", "gain"):
        assert word in text


def test_flat_keys(tmp_path):
    reports = [run(Fake(sides), tmp_path, PAIRED, palette=PALETTE, title=title) for title in ("clear", "counter")]
    values = flat_figures(reports)
    assert values["clear/color_word_accuracy"] == values["counter/color_word_accuracy"] == 1
    assert values["chance"] == 1 / 4
    assert all(isinstance(value, float) for value in values.values())
    assert "chance" not in flat_figures([run(Fake(sides), tmp_path)])


def test_the_sheet_shows_pairs_spread_over_the_set(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("lcoins.evaluation.result.contact_sheet", lambda rows, path: shown.extend(rows))
    many = [(f"a red bus {i}", f"a blue bus {i}") for i in range(9)]
    run(Fake(sides, groups=4), tmp_path, many, recolor=True, sheet_rows=3)
    assert [row.caption for row in shown] == ["a red bus 0", "a red bus 3", "a red bus 6"]
    assert list(shown[0].panels) == ["gray", "prediction", "truth", "groups", "recolored"]
    assert shown[0].recolored == "a blue bus 0"
