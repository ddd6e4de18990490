"""A value of a wrong kind, for every key of conf/: one line that says what, where and what instead."""

from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from shrunk import composed

from lcoins.cli.config_kinds import expect_kinds, known_keys
from lcoins.cli.hydra_commands import conf_folder
from lcoins.cli.overrides import is_place

KNOWN = known_keys(conf_folder())
FOLDERS = [f"data.{split}.{key}=x" for split in ("train", "val") for key in ("root", "captions")]
SYSTEMS = sorted(path.stem for path in (conf_folder() / "system").glob("*.yaml"))
COMPOSED = {
    **{f"system={system}": ("train", f"system={system}", "name=test") for system in SYSTEMS},
    "data=photos": ("train", "data=photos", "name=test", *FOLDERS),
    "data=instances": ("train", "data=instances", "objective=instances", "name=test", "data.train=[]", *FOLDERS[2:]),
    "data=obedience": ("eval", "checkpoint=builtin", "data=obedience", "data.root=x", "data.instances=y"),
    "data=obedience_old": ("eval", "checkpoint=builtin", "data=obedience_old", "data.root=x", "data.instances=y"),
    "experiment=natural": ("train", "experiment=natural", "name=test", "data.train=[]", *FOLDERS[2:]),
    "experiment=grounding": ("train", "experiment=grounding", "name=test", "data.train=[]"),
    "augmentation=lighting": ("train", "augmentation=lighting", "name=test"),
    "augmentation=shading": ("train", "augmentation=shading", "name=test"),
    "bench": ("bench",),
    "eval": ("eval", "checkpoint=builtin"),
    "info": ("info",),
    "tracker=online": ("train", "tracker=online", "name=test"),
    "prior": ("prior",),
}
WRONG: list[Any] = ["été", 2.5, True, 3, {"a": 1}, [[]], float("nan"), None]


def unresolved(command: str, *overrides: str) -> Any:
    return OmegaConf.to_container(composed(command, *overrides), resolve=False)


def leaves(value: Any, *key: str) -> list[tuple[str, ...]]:
    if not isinstance(value, dict) or not value:
        return [key]
    return [leaf for name, inner in value.items() for leaf in leaves(inner, *key, name)]


def refused(config: Any, path: tuple[str, ...], wrong: Any) -> str:
    """The message about one wrong value, or nothing where it is taken."""
    *parts, last = path
    inner = reduce(getitem, parts, config)
    before, inner[last] = inner[last], wrong
    try:
        expect_kinds(config, KNOWN)
    except ValueError as error:
        return str(error)
    finally:
        inner[last] = before
    return ""


@pytest.mark.parametrize("choice", COMPOSED)
def test_every_key_refuses_a_wrong_kind(choice: str) -> None:
    """Also those that conf/ leaves at null: a place among them takes text alone."""
    config = unresolved(*COMPOSED[choice])
    expect_kinds(config, KNOWN)
    for path in leaves(config):
        key = ".".join(path)
        said = [refused(config, path, wrong) for wrong in WRONG if path[-1] != "_target_" or not isinstance(wrong, str)]
        assert [text for text in said if text and not text.startswith((f"{key} takes ", f"{key}[0] takes "))] == []
        assert all("\n" not in text for text in said)
        assert any(said), key
        if is_place(key) and KNOWN[key].kinds <= {str, type(None)}:
            assert all(said[1:7]), key
        if KNOWN[key].kinds & {int, float} and not key.startswith("trainer."):
            assert said[0], key  # of a number, no text is read
        if KNOWN[key].kinds == {int} and not key.startswith(("trainer.", "recipe.")):
            assert said[1] and said[2], key


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("recipe.epochs=abc", 'recipe.epochs takes a whole number, got "abc", which is text; give for example'),
        ("recipe.epochs=2.5", "recipe.epochs takes a whole number, got 2.5, which is a number; give"),
        ("recipe.optimizer.lr=fast", 'recipe.optimizer.lr takes a number, got "fast", which is text'),
        ("recipe.optimizer.lr=nan", "recipe.optimizer.lr takes a number, got NaN, which is not finite"),
        ("recipe.optimizer.betas=[0.9,x]", 'recipe.optimizer.betas[1] takes a number, got "x"'),
        ("seed=true", "seed takes a whole number, got true, which is true or false"),
        ("data.train=5", "data.train takes keys with values or null, got 5"),
        ("trainer.log_every_n_steps=often", 'trainer.log_every_n_steps takes a whole number or null, got "often"'),
        ("evaluation.recolor=ja", 'evaluation.recolor takes true or false, got "ja"'),
    ],
)
def test_the_message_says_what_where_and_what_instead(override: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        expect_kinds(unresolved("train", "name=test", override), KNOWN)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("command", "override", "message"),
    [
        ("bench", "batch_size=0", "batch_size is at least 1, got 0"),
        ("bench", "steps=0", "steps is at least 1, got 0"),
        ("info", "words=-3", "words is at least 1, got -3"),
    ],
)
def test_nothing_is_measured_by_less_than_one(command: str, override: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expect_kinds(unresolved(command, override), KNOWN)


def test_what_the_comments_of_conf_allow_is_taken() -> None:
    photos = ["data.crop_scale=null", "data.report=null", "data.train.labels=x", "recipe.ema=0.9", "recipe.ema=null"]
    for override in photos:
        expect_kinds(unresolved("train", "data=photos", "name=test", *FOLDERS, override), KNOWN)
    for override in (
        "seed=7",
        "recipe.optimizer.lr=1",
        "trainer.devices=auto",
        "trainer.devices=[0]",
        "recipe.pictures=0",
    ):
        expect_kinds(unresolved("train", "name=test", override), KNOWN)


def test_the_table_reads_every_file_of_conf(tmp_path: Path) -> None:
    assert {"recipe.ema", "recipe.frozen", "data.repainting.views", "tracker.mode", "output"} <= KNOWN.keys()
    assert KNOWN["data.seed"].kinds == {int} and is_place("data.train.root")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "a.yaml").write_text("x: 1\ny: ${g.x}\n")
    assert known_keys(tmp_path)["g.y"].kinds == {int}
