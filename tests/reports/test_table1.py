"""Table 1 from runs whose rows and configs are written by the test, so that every cell and note is known."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from typer.testing import CliRunner

import lcoins
from lcoins.cli.main import app
from lcoins.reports.load_runs import find_runs
from lcoins.reports.table1 import Table1
from lcoins.reports.table1_formats import comma_separated, latex, markdown

SYSTEMS = ["LBIE", "ML2018", "Xie2018", "L-CoDe", "L-CoDer", "L-CoIns", "w/o GE", "w/o GA", "w/o LA", "w/o CL"]
SETTINGS = {
    "size": [224, 224],
    "reference": "through Lab and back",
    "quantization": "truncated",
    "psnr": "peak 255",
    "ssim": "uniform window",
    "lpips": {"alex": {"version": "0.1", "file": "alex_net.pth", "sha256": "0123456789abcdef"}},
    "lpips_input": "before quantization",
}
QUALITY = {"psnr": [20.0, 24.0], "ssim": [0.875, 0.625], "lpips_alex": [0.25, 0.125]}
Columns = Mapping[str, Sequence[float]]


def config_of(system: str = "LCoIns", seed: int = 0, **changes: Any) -> dict[str, Any]:
    """A resolved config as `lcoins train` writes it; ``changes`` by dotted path, with "__" for the dots."""
    config = {
        "name": "photos-small",
        "seed": seed,
        "runs": "runs",
        "objective": {"_target_": "lcoins.training.losses.LCoInsObjective", "beta": -0.0001},
        "data": {
            "_target_": "lcoins.data.from_lists.photo_data",
            "train": {"root": "photos/train", "captions": "/lists/selected_train.json"},
            "train_also": [],
            "seed": seed,
            "workers": 0,
        },
        "model": {
            "_target_": f"lcoins.models.{system.lower()}.{system}",
            "image_size": 128,
            "transformer": {"n_groups": 15, "attention": "grouping"},
            "grouping_layer": {"width": 256},
            "shared_space": {"width": 256},
            "image_encoder": {"init": "package"},
            "text_encoder": {"init": None},
        },
        "recipe": {"epochs": 6},
        "augmentation": {"_target_": "lcoins.data.augment.LuminanceAugmentation", "hue": 180.0, "gamma": 5.0},
        "trainer": {"max_epochs": 6},
        "evaluation": {"recolor": True},
    }
    whole = OmegaConf.create(config)
    for path, value in changes.items():
        OmegaConf.update(whole, path.replace("__", "."), value)
    return dict(OmegaConf.to_container(whole))  # type: ignore[call-overload]


def write_run(
    folder: Path,
    config: Mapping[str, Any],
    title: str = "test",
    columns: Columns = QUALITY,
    photo: str = "photo",
    settings: Mapping[str, Any] = SETTINGS,
) -> Path:
    """A finished run as `lcoins train` leaves it; called again, it adds a test set."""
    test = folder / "test"
    test.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(dict(config))))
    (folder / "metrics.json").write_text("{}")
    (test / f"{title}.json").write_text(json.dumps({"settings": settings}))
    with (test / f"{title}_pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "photo", "caption", *columns])
        for place, values in enumerate(zip(*columns.values(), strict=True)):
            writer.writerow([f"{photo}{place}", f"{photo}{place}", "a red cup", *values])
    return folder


def shifted(by: float) -> Columns:
    return QUALITY | {"psnr": [value + by for value in QUALITY["psnr"]]}


def table_of(*places: Path) -> Table1:
    return Table1(find_runs(places))


def labels(table: Table1) -> list[str]:
    return [row.label for row in table.rows]


def lines_of(table: Table1) -> dict[tuple[str, str, str], dict[str, str]]:
    """The CSV's lines by system, test set and metric."""
    rows = csv.DictReader(io.StringIO(comma_separated(table)))
    return {(row["system"], row["test_set"], row["metric"]): row for row in rows}


def line_of(table: Table1, label: str) -> list[str]:
    """The cells of a Markdown row, without the label."""
    (line,) = [line for line in markdown(table).splitlines() if line.startswith(f"| {label} |")]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[2:-1]]


def test_mean_and_deviation_are_over_seeds(tmp_path: Path) -> None:
    for seed, by in enumerate((0.0, 1.0, 5.0)):
        write_run(tmp_path / "s" / "default" / f"seed={seed}", config_of("LCoDe", seed), columns=shifted(by))
    table = table_of(tmp_path)
    assert table.cell(table.rows[3], *table.columns[-3]) == "24.000 ± 2.646"  # ddof 1: the root of 7
    line = lines_of(table)["L-CoDe", "test", "psnr"]
    assert (line["mean"], line["std"], line["seeds"], line["pairs"]) == ("24.0", "2.645751", "3", "2")
    assert lines_of(table)["L-CoDe", "test", "ssim"]["std"] == "0.0"


def test_one_seed_has_no_deviation(tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "default" / "seed=0", config_of("LBIE"))
    assert line_of(table_of(tmp_path), "LBIE")[-3:] == ["22.000", "0.75000", "0.188"]
    line = lines_of(table_of(tmp_path))["LBIE", "test", "lpips_alex"]
    assert (line["mean"], line["std"], line["seeds"], line["paper"]) == ("0.1875", "", "1", "")


def test_all_rows_stand_there_and_what_nobody_ran_is_empty(tmp_path: Path) -> None:
    """The run has one of the paper's sets: its figure stands beside the printed one, and fills no other cell."""
    write_run(tmp_path / "s" / "default" / "seed=0", config_of(), "extended_coco_stuff")
    table = table_of(tmp_path)
    assert labels(table) == SYSTEMS
    ours = ["22.000", "*25.511*", "0.75000", "*0.92104*", "0.188", "*0.157*"]
    assert line_of(table, "L-CoIns") == [*ours, "", "*24.823*", "", "*0.91717*", "", "*0.162*"]
    assert line_of(table, "w/o LA")[:6] == ["", "*25.475*", "", "*0.91965*", "", "*0.161*"]
    lines = lines_of(table)
    assert len(lines) == 10 * 2 * 3
    filled = {key for key, line in lines.items() if line["mean"] or line["std"] or line["seeds"] or line["pairs"]}
    assert filled == {("L-CoIns", "extended_coco_stuff", metric) for metric in QUALITY}


def test_printed_figures_are_those_of_the_yaml(tmp_path: Path) -> None:
    """All 60 of them, with all their digits, also where no run has one of the paper's sets."""
    write_run(tmp_path / "s" / "default" / "seed=0", config_of("LBIE"))
    text = (Path(lcoins.__file__).parent / "reports" / "paper_table1.yaml").read_text(encoding="utf-8")
    printed = re.findall(r"psnr: ([\d.]+), ssim: ([\d.]+), lpips: ([\d.]+)", text)
    lines = lines_of(table_of(tmp_path))
    sets, metrics = ("extended_coco_stuff", "multi_instance"), ("psnr", "ssim", "lpips_alex")
    found = [tuple(lines[row, title, m]["paper"] for m in metrics) for row in SYSTEMS for title in sets]
    assert found == printed and len(found) == 20
    assert found[0] == ("22.092", "0.85197", "0.265") and found[1][1] == "0.85910"  # read off the paper
    assert found[10] == ("25.511", "0.92104", "0.157") and found[19] == ("24.475", "0.91401", "0.163")
    assert not any(line["mean"] for key, line in lines.items() if key[1] in sets)


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({}, "L-CoIns"),
        ({"model__transformer__n_groups": 0, "model__transformer__attention": "joint"}, "w/o GE"),
        ({"model__transformer__attention": "joint"}, "w/o GA"),
        ({"augmentation__hue": 0.0, "augmentation__gamma": 1.0}, "w/o LA"),
        ({"model__shared_space": None}, "w/o CL"),
        ({"objective__beta": 0.0}, "w/o CL"),
        (
            {"augmentation__hue": 0.0, "augmentation__gamma": 1.0, "objective__beta": 0.0},
            "L-CoIns w/o LA, w/o CL",
        ),
        (
            {"augmentation___target_": "lcoins.data.augment.Shading", "augmentation__gamma": 1.0},
            "L-CoIns with Shading of hue 180, gamma 1",
        ),
        (
            {"augmentation__gamma": 2.5, "model__transformer__attention": "joint"},
            "L-CoIns w/o GA, with LuminanceAugmentation of hue 180, gamma 2.5",
        ),
    ],
)
def test_ablations_are_told_by_their_config(tmp_path: Path, changes: dict[str, Any], row: str) -> None:
    write_run(tmp_path / "s" / "default" / "seed=0", config_of(**changes))
    table = table_of(tmp_path)
    assert [measured.label for measured in table.measured] == [row]
    assert labels(table) == (SYSTEMS if row in SYSTEMS else [*SYSTEMS, row])


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("LBIE", "LBIE"),
        ("ML2018", "ML2018"),
        ("Xie2018", "Xie2018"),
        ("LCoDe", "L-CoDe"),
        ("LCoDer", "L-CoDer"),
        ("Newcomer", "Newcomer"),
    ],
)
def test_systems_are_told_by_their_class(tmp_path: Path, model: str, row: str) -> None:
    """Without luminance augmentation, as the compared systems are trained: no ablation of theirs."""
    write_run(tmp_path / "s" / "default" / "seed=0", config_of(model, augmentation__hue=0, augmentation__gamma=1))
    assert [measured.label for measured in table_of(tmp_path).measured] == [row]


def test_runs_of_different_configs_are_never_averaged(tmp_path: Path) -> None:
    """Each variant has its own row in the place of the system, beside the same printed figure."""
    for name, by, epochs in (("recipe.epochs=6", 0.0, 6), ("recipe.epochs=9", 2.0, 9)):
        for seed in range(2):
            config = config_of(seed=seed, recipe__epochs=epochs)
            write_run(tmp_path / "s" / name / f"seed={seed}", config, "multi_instance", shifted(by))
    table = table_of(tmp_path)
    assert labels(table) == [*SYSTEMS[:5], "L-CoIns (epochs=6)", "L-CoIns (epochs=9)", *SYSTEMS[6:]]
    assert line_of(table, "L-CoIns (epochs=6)")[6:8] == ["22.000 ± 0.000", "*24.823*"]
    assert line_of(table, "L-CoIns (epochs=9)")[6:8] == ["24.000 ± 0.000", "*24.823*"]


def test_variants_of_one_name_in_two_places_keep_apart(tmp_path: Path) -> None:
    for place, epochs in (("x", 6), ("y", 9)):
        write_run(tmp_path / place / "s" / "default" / "seed=0", config_of(recipe__epochs=epochs))
    found = [row.label for row in table_of(tmp_path).measured]
    assert found == ["L-CoIns (x/s)", "L-CoIns (y/s)"]


def test_where_and_how_a_run_ran_makes_no_variant(tmp_path: Path) -> None:
    moved = {
        "name": "other",
        "runs": "/elsewhere",
        "trainer__devices": 2,
        "evaluation__recolor": False,
        "data__workers": 4,
    }
    write_run(tmp_path / "s" / "a" / "seed=0", config_of())
    write_run(tmp_path / "s" / "b" / "seed=1", config_of(seed=1, **moved), columns=shifted(2))
    (row,) = table_of(tmp_path).measured
    assert (row.label, len(row.runs)) == ("L-CoIns", 2)


def test_a_seed_that_is_not_the_run_s_own_makes_a_variant(tmp_path: Path) -> None:
    """data.seed follows the run's seed; a fixed one that differs is another config."""
    write_run(tmp_path / "s" / "a" / "seed=0", config_of())
    write_run(tmp_path / "s" / "b" / "seed=1", config_of(seed=1, data__seed=5))
    assert [row.label for row in table_of(tmp_path).measured] == ["L-CoIns (a)", "L-CoIns (b)"]


def test_another_value_that_happens_to_equal_the_seed_makes_a_variant(tmp_path: Path) -> None:
    for seed in (6, 9):
        write_run(tmp_path / "s" / "a" / f"seed={seed}", config_of(seed=seed, recipe__epochs=seed))
    assert len(table_of(tmp_path).measured) == 2


def test_one_run_given_twice_is_no_second_seed(tmp_path: Path) -> None:
    for name in ("a", "copy"):
        write_run(tmp_path / "s" / name / "seed=0", config_of())
    with pytest.raises(ValueError, match=r"expected one run of a config and seed, got \S+a/seed=0 and \S+copy/seed=0"):
        table_of(tmp_path)


def test_different_pairs_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "a" / "seed=0", config_of("LBIE"))
    write_run(tmp_path / "s" / "b" / "seed=0", config_of("LCoDe"), photo="other")
    with pytest.raises(ValueError, match="tested on different pairs of 'test'"):
        table_of(tmp_path)


def test_a_config_that_is_no_run_s_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "a" / "seed=0", {"seed": 0, "model": {"_target_": "x.LBIE"}})
    with pytest.raises(ValueError, match=r"config\.yaml, but it lacks model\.image_size, data\._target_, recipe"):
        table_of(tmp_path)


def test_lpips_is_named_by_its_net_and_never_mixed(tmp_path: Path) -> None:
    vgg = {"psnr": [20.0, 24.0], "lpips_vgg": [0.5, 0.25], "lpips_squeeze": [0.1, 0.1]}
    write_run(tmp_path / "s" / "a" / "seed=0", config_of("LBIE"), columns=vgg)
    table = table_of(tmp_path)
    assert [metric.heading for metric in table.metrics["test"]] == ["PSNR, dB ↑", "SSIM ↑", "LPIPS vgg ↓"]
    assert line_of(table, "LBIE")[-3:] == ["22.000", "", "0.375"]
    write_run(tmp_path / "s" / "b" / "seed=0", config_of("LCoDe"))
    table = table_of(tmp_path)
    assert line_of(table, "LBIE")[-2:] == ["", "0.375"] and line_of(table, "L-CoDe")[-2:] == ["0.188", ""]


def test_a_set_without_any_lpips_has_an_empty_column_for_it(tmp_path: Path) -> None:
    write_run(tmp_path / "s" / "a" / "seed=0", config_of("LBIE"), columns={"psnr": [20.0, 24.0]})
    assert line_of(table_of(tmp_path), "LBIE")[-3:] == ["22.000", "", ""]


def test_judged_sets_have_the_share_of_words_right(tmp_path: Path) -> None:
    """7 of 8 instances in one picture and 0 of 2 in the other: 70 % of all, not the mean of two shares."""
    judged = QUALITY | {"instances": [8, 2], "instances_correct": [7, 0]}
    folder = write_run(tmp_path / "s" / "a" / "seed=0", config_of(), "clear", judged)
    write_run(folder, config_of(), "test")
    table = table_of(tmp_path)
    assert list(table.metrics) == ["extended_coco_stuff", "multi_instance", "clear", "test"]
    assert [len(metrics) for metrics in table.metrics.values()] == [6, 6, 4, 3]
    assert table.metrics["clear"][-1].heading == "words right, % ↑"
    assert line_of(table, "L-CoIns")[-4] == "70.0"
    assert lines_of(table)["L-CoIns", "clear", "words_right_percent"]["mean"] == "70.0"


def test_notes_state_protocol_and_weights(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path / "s" / "a" / f"seed={seed}", config_of("LCoDer", seed), "multi_instance")
    notes = table_of(tmp_path).notes()
    assert "printed in Table 1 of Chang et al., L-CoIns, CVPR 2023, by its authors" in notes[0]
    assert "not measured here" in notes[0] and "with their own weights" in notes[0]
    assert notes[2:] == [
        "Multi-instance: 2 pairs of 224 by 224 px.",
        "Protocol: reference: through Lab and back; quantization: truncated; PSNR: peak 255; SSIM: uniform window; "
        "LPIPS: alex 0.1 (alex_net.pth, sha256 01234567), before quantization.",
        "L-CoDer: weights image_encoder package, text_encoder none; 128 px; lcoins.data.from_lists.photo_data "
        "(photos/train with selected_train.json); LuminanceAugmentation of hue 180, gamma 5; seeds 0, 1; epochs 6.",
    ]


def test_notes_tell_rows_apart_that_were_measured_differently(tmp_path: Path) -> None:
    scenes = {"_target_": "lcoins.data.from_scenes.scene_data", "train": {"length": 3200}}
    write_run(tmp_path / "s" / "a" / "seed=0", config_of("LBIE"))
    config = config_of(data__train=None, trainer__max_epochs=2) | {"model": {"_target_": "x.ML2018", "image_size": 64}}
    config["data"] = scenes
    write_run(tmp_path / "s" / "b" / "seed=0", config, settings={"size": [64, 64]})
    notes = table_of(tmp_path).notes()
    assert notes[2:4] == [
        "test: 2 pairs of 224 by 224 px (rows: LBIE).",
        "test: 2 pairs of 64 by 64 px (rows: ML2018).",
    ]
    assert "PSNR: not stated; SSIM: not stated; LPIPS: not computed (rows: ML2018)." in notes[5]
    assert notes[7].startswith("ML2018: weights not named; 64 px;") and notes[7].endswith("seeds 0; epochs 2.")
    assert "lcoins.data.from_scenes.scene_data (3200 an epoch)" in notes[7]


def test_latex_is_escaped_and_whole(tmp_path: Path) -> None:
    """A hostile folder name, and the shape of both tabulars: as many cells in every row as they have columns."""
    for name, epochs in (("x=50%_a&b|c#$1^~{}\\", 6), ("y", 9)):
        for seed in range(2):
            config = config_of(seed=seed, recipe__epochs=epochs)
            write_run(tmp_path / "s" / name / f"seed={seed}", config, "a_b", shifted(seed))
    text = latex(table_of(tmp_path))
    escaped = r"50\%\_a\&b\textbar{}c\#\$1\textasciicircum{}\textasciitilde{}\{\}\textbackslash{}"
    assert rf"L-CoIns (x={escaped}) &" in text and rf"L-CoIns (x={escaped}): weights image\_encoder package" in text
    assert r"\multicolumn{3}{c}{a\_b}" in text and r"22.500 $\pm$ 0.707" in text and r"\textit{25.511}" in text
    assert r"PSNR, dB $\uparrow$ & paper: PSNR, dB $\uparrow$" in text and text.isascii()
    tabulars = re.findall(r"\\begin\{tabular\}\{l(r+)\}\n\\toprule\n(.*?)\\bottomrule", text, re.DOTALL)
    rules = [re.findall(r"\\cmidrule\(lr\)\{(.*?)\}", body) for _, body in tabulars]
    assert rules == [["2-7", "8-13"], ["2-4"]]
    for (columns, body), width in zip(tabulars, (12, 3), strict=True):
        rows = [line for line in body.splitlines() if line.endswith(r" \\")][1:]
        assert len(columns) == width and body.count(r"\midrule") == 2
        assert len(rows) == 12 and {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {width}
    assert text.count("{") == text.count("}") and len(re.findall(r"(?<!\\)\$", text)) % 2 == 0
    assert len(re.findall(r"(?<!\\)%", text)) == 3  # the comment on top and the ends of two \resizebox lines


def test_markdown_names_cannot_break_the_table(tmp_path: Path) -> None:
    for name, epochs in (("x=a|b<i>*c*", 6), ("y", 9)):
        write_run(tmp_path / "s" / name / "seed=0", config_of(recipe__epochs=epochs))
    assert r"| L-CoIns (x=a\|b\<i\>\*c\*) | " in markdown(table_of(tmp_path))
    assert len(line_of(table_of(tmp_path), r"L-CoIns (x=a\|b\<i\>\*c\*)")) == 15


def report(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["report", "table1", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.replace("\n", "")


def test_the_command_writes_three_files_or_the_one_named(tmp_path: Path) -> None:
    runs = tmp_path / "all.runs"
    write_run(runs / "s" / "default" / "seed=0", config_of())
    assert report(runs) == "".join(f"wrote {runs / f'table1.{ending}'}" for ending in ("md", "tex", "csv"))
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in runs.glob("table1.*")}
    assert texts == {
        ".md": markdown(table_of(runs)),
        ".tex": latex(table_of(runs)),
        ".csv": comma_separated(table_of(runs)),
    }
    assert report(runs, "-o", tmp_path / "new") == "".join(
        f"wrote {tmp_path / 'new' / f'table1.{ending}'}" for ending in ("md", "tex", "csv")
    )
    assert report(runs, "-o", tmp_path / "one.tex") == f"wrote {tmp_path / 'one.tex'}"
    assert (tmp_path / "one.tex").read_text(encoding="utf-8") == texts[".tex"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.runs", "new", "one.tex"]


def test_the_command_says_what_it_expected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no finished run below"):
        report(tmp_path)
    write_run(tmp_path / "s" / "default" / "seed=0", config_of())
    with pytest.raises(ValueError, match=r"a folder, or a file that ends in \.md, \.tex, \.csv, got \S+t\.pdf; give"):
        report(tmp_path, "-o", tmp_path / "t.pdf")
    with pytest.raises(FileNotFoundError, match=r"mistyped does not exist: .*; give the folders"):
        report(tmp_path / "mistyped", tmp_path)
    assert not (tmp_path / "mistyped").exists()
