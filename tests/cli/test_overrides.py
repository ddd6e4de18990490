"""What users type as paths and names arrives as they typed it; what means something to Hydra keeps its meaning."""

import os
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from shrunk import composed

from lcoins.cli.hydra_commands import _remove_cut_record, conf_folder
from lcoins.cli.overrides import PLACES, hydra_override
from lcoins.cli.result_folders import eval_folder, label

TYPED = [
    *("p/x=1", "p/my photos [1]", "it's", "out/été", "#1", "😀", "a, b", "a{b}c", "x{1}", "a(b)", 'say "hi"', "back\\"),
    *(
        "C:\\data\\photos",
        "a\\,b",
        "007",
        "1e3",
        "true",
        "p/写真",
        " edge ",
        "a:b",
        "$HOME",
        "50%",
        "~x",
        "*",
        "-m",
        "'",
    ),
]


def reads(key: str, typed: str) -> Any:
    """What the composed config holds under a key for what a user typed as its value."""
    return OmegaConf.select(composed("train", hydra_override(f"{key}={typed}")), key)


@pytest.mark.parametrize("typed", TYPED)
def test_a_place_is_what_was_typed(typed: str) -> None:
    keys = ("runs", "name", "start_from", "tracker.project", "data.train.root")
    cfg = composed("train", "data=photos", *(hydra_override(f"{key}={typed}") for key in keys))
    assert [OmegaConf.select(cfg, key) for key in keys] == [typed] * len(keys)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12))
def test_any_text_survives(typed: str) -> None:
    if not typed.strip() or typed == "null" or typed[0] in "[{'\"" or typed.startswith("~/"):
        return
    assert OverridesParser.create().parse_override(hydra_override(f"runs={typed}")).value() == typed


def test_what_hydra_means_stays(tmp_path: Path) -> None:
    assert reads("start_from", "null") is None
    assert reads("start_from", "${runs}/x=1") == "runs/x=1"
    assert reads("start_from", "'a,b'") == "a,b"
    assert reads("runs", "~/runs") == os.path.expanduser("~/runs")
    sets = composed("train", "data=instances", hydra_override("data.train=[{root: p/été x, captions: it's.csv}]"))
    assert sets.data.train == [{"root": "p/été x", "captions": "it's.csv"}]
    assert reads("tracker.tags", "[été, b]") == ["été", "b"]
    assert reads("data.tests.instances", "{length: 4}") == {"length": 4}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("name=a,b", "name=a,b"),
        ("name=a,#1", "name=a,'#1'"),
        ("name=1,2", "name='1','2'"),
        ("name='a,b',c", "name='a,b',c"),
        ("name=choice(a,b)", "name=choice(a,b)"),
        ("name=#1", "name='#1'"),
        ("recipe.epochs=1,2", "recipe.epochs=1,2"),
    ],
)
def test_in_a_sweep_a_comma_separates_values(typed: str, read: str) -> None:
    assert hydra_override(typed, sweep=True) == read


@pytest.mark.parametrize("argument", ["-m", "--cfg=job", "system=lcode_tiny", "~data.tests.clear", "recipe.epochs=3"])
def test_the_rest_is_left_alone(argument: str) -> None:
    assert hydra_override(argument) == argument


def test_an_empty_place_and_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ValueError, match=r"runs is empty; give it a value as runs=\.\.\."):
        hydra_override("runs=")
    with pytest.raises(ValueError, match=r"caf\\udce9' is not UTF-8"):
        hydra_override("runs=caf\udce9")


def test_nesting_without_end_is_no_crash() -> None:
    assert hydra_override("data.train=" + "[" * 3000).startswith("data.train=[")


def test_every_path_that_a_folder_name_leaves_out_is_a_place() -> None:
    """A new path in the configs is quoted too: what is left out of a folder's name is a place, hardware or a choice."""
    choices = {"experiment", "cluster", "tracker", "trainer"}
    others = choices | {"seed", "workers", "train", "on_problem", "recolor", "device", "compile"}
    for command in ("train", "eval"):
        names = OmegaConf.load(conf_folder() / f"{command}.yaml").hydra.job.config.override_dirname.exclude_keys
        places = {name.rpartition(".")[2] for name in names if not name.startswith(("trainer.", "tracker."))}
        assert places - others <= set(PLACES)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a/", "x" * 300, "a\nb", "é" * 120, " "])
def test_a_name_that_leaves_the_folder_of_runs_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no folder below that of all runs"):
        label("", name)


def test_labels_stay_short_in_bytes_and_printable() -> None:
    assert len(label(f"tracker.tags=[{'é' * 120}]").encode()) < 120
    assert label("a=x/y\nz") == "a=x|y|z"
    assert eval_folder("runs/x=1", "packages/it's", "") == "runs/x=1/eval/checkpoint=packages|it's"


def test_labels_that_are_cut_differ_by_what_was_cut() -> None:
    long = ",".join(f"data.tests.number{number}.length=8" for number in range(9))
    assert label(f"{long},recipe.epochs=1") != label(f"{long},recipe.epochs=2")


def test_a_record_of_a_sweep_that_a_full_disk_has_cut_is_removed(tmp_path: Path) -> None:
    record = tmp_path / "multirun.yaml"
    for text, stays in (("name: whole\n", True), ("name: cu", False), ("", False)):
        record.write_text(text)
        _remove_cut_record(["name=x", f"runs={tmp_path}"], "train")
        assert record.exists() == stays
    _remove_cut_record([f"runs={tmp_path}"], "train")  # and where there is none
