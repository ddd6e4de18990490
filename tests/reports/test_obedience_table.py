"""The benchmark of obedience in reports: runs that were asked the same stand beside each other."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from finished_run import write_run
from omegaconf import OmegaConf
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.reports.load_runs import find_runs
from lcoins.reports.obedience_table import obedience_tables
from lcoins.reports.table1 import Table1
from lcoins.reports.table1_formats import comma_separated, latex, markdown


def write_obedience(run: Path, hit: float, asked: str = "a", label: str = "data=obedience") -> None:
    """The result of an evaluation in a run's folder, of ten things alone."""

    def of(value: float, **more: Any) -> dict[str, Any]:
        return {"named": {"things": 10, "hit": [value, value - 0.1, value + 0.1], "way": [0.0, 0.0, 0.0], **more}}

    folder = run / "eval" / label
    folder.mkdir(parents=True)
    settings = {
        "questions": {"named": 10},
        "asked_sha256": asked,
        "image_size": 224,
        "seed": 0,
        "photos": {"read": 4},
        "files": {"instances": {"name": "instances.json"}},
    }
    spill = {"spill": [0.5, 0.4, 0.6]}
    figures = {"gray": of(0), "truth": of(0.1), "oracle": of(1, **spill), "system": of(hit, **spill)}
    content = {"title": "obedience", "figures": figures, "breakdown": {}, "settings": settings}
    (folder / "obedience.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two seeds of one variant, one of another."""
    for name, seed, hit in (("full", 0, 0.4), ("full", 1, 0.6), ("no_ge", 0, 0.2)):
        run = write_run(tmp_path / f"ablation={name}" / f"seed={seed}", [20.0] * 6, [2] * 6)
        write_obedience(run, hit)
    return tmp_path


def test_systems_stand_beside_gray_photo_and_oracle(runs: Path) -> None:
    found = find_runs([runs])
    systems = {name: [run for run in found if run.variant == name] for name in ("full", "no_ge")}
    (table,) = obedience_tables(systems)
    assert [row["variant"] for row in table["rows"]] == ["gray", "photo itself", "oracle", "full", "no_ge"]
    assert table["headings"] == ["named, 10: hit ↑", "named, 10: way ↑", "named, 10: spill ↓"]
    hit = {row["variant"]: row["cells"][0] for row in table["rows"]}
    assert (hit["full"]["text"], hit["full"]["gap"]) == ("0.50 ± 0.14", "")
    assert (hit["no_ge"]["text"], hit["no_ge"]["gap"]) == ("0.20", "[0.10, 0.30]")
    assert table["rows"][0]["cells"][2]["text"] == ""  # nothing moved, so there is no share of it


def test_other_questions_get_a_table_of_their_own(runs: Path) -> None:
    write_obedience(runs / "ablation=no_ge" / "seed=0", 0.3, asked="b", label="data=obedience,data.limit=2")
    found = find_runs([runs])
    tables = obedience_tables({run.variant: [run] for run in found})
    assert [len(table["rows"]) for table in tables] == [5, 4]


def test_runs_without_the_benchmark_have_no_table(tmp_path: Path) -> None:
    write_run(tmp_path / "ablation=full" / "seed=0", [20.0] * 6, [2] * 6)
    assert obedience_tables({"full": find_runs([tmp_path])}) == []


@pytest.mark.parametrize(("name", "heading"), [("r.html", "Do things of photos take"), ("r.md", "Obedience on photos")])
def test_the_page_takes_it_up(runs: Path, name: str, heading: str) -> None:
    done = CliRunner().invoke(app, ["report", str(runs), "-o", str(runs / name)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    text = (runs / name).read_text(encoding="utf-8")
    assert heading in text and "0.50 ± 0.14" in text and "photo itself" in text


def test_table_1_takes_it_up(tmp_path: Path) -> None:
    run = write_run(tmp_path / "s" / "default" / "seed=0", [20.0] * 6, [2] * 6)
    config = {
        "seed": 0,
        "model": {"_target_": "lcoins.models.compared.lcode.LCoDe", "image_size": 64},
        "data": {"_target_": "lcoins.data.from_lists.photo_data"},
        "recipe": {"epochs": 1},
    }
    (run / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(config)), encoding="utf-8")
    write_obedience(run, 0.25)
    table = Table1(find_runs([tmp_path]))
    assert "| L-CoDe | 0.25 \\[0.15, 0.35\\] | 0.00 | 0.50 \\[0.40, 0.60\\] |" in markdown(table)
    assert r"L-CoDe & 0.25 & 0.00 & 0.50 \\" in latex(table)
    rows = [row for row in csv.DictReader(io.StringIO(comma_separated(table))) if row["test_set"] == "obedience named"]
    (hit,) = [row for row in rows if (row["system"], row["metric"]) == ("L-CoDe", "hit")]
    assert (hit["mean"], hit["std"], hit["seeds"], hit["pairs"]) == ("0.25", "", "1", "10")


def test_without_an_interval_the_figure_stands_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "default" / "seed=0", [20.0] * 6, [2] * 6)
    write_obedience(run, 0.2)
    path = run / "eval" / "data=obedience" / "obedience.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["figures"]["system"]["named"]["hit"] = [0.2, None, None]
    path.write_text(json.dumps(content), encoding="utf-8")
    (table,) = obedience_tables({"default": find_runs([tmp_path])})
    cell = table["rows"][-1]["cells"][0]
    assert (cell["text"], cell["gap"]) == ("0.20", "")
