"""A run and its folder: claimed by one config, skipped when finished, followed by trackers, loaded again."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shrunk import shrunk, transformer

from lcoins.cli import composed as verbs
from lcoins.colorize.export import export_package
from lcoins.models.build import build_colorizer
from lcoins.models.checkpoint import load_checkpoint
from lcoins.training import build as assembly
from lcoins.training import run as runs

SHORTEST = ("recipe.epochs=2", "data.train.length=16", "data.batch_size=8")
values = st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2))
configs = st.dictionaries(st.sampled_from("abc"), values | st.dictionaries(st.sampled_from("de"), values), max_size=3)


@given(old=configs, new=configs)
def test_differences_are_empty_only_between_equals(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert runs.differences(old, old) == []
    without_none = [{k: v for k, v in config.items() if v is not None} for config in (old, new)]
    if without_none[0].keys() != without_none[1].keys():
        assert runs.differences(old, new)


def test_a_difference_names_its_place_and_both_values() -> None:
    old, new = {"a": {"b": 1, "c": [2]}, "d": 3}, {"a": {"b": 1, "c": [5]}, "e": 4}
    assert runs.differences(old, new) == ["a.c: [2] -> [5]", "d: 3 -> None", "e: None -> 4"]


def test_a_folder_belongs_to_the_config_that_began_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    runs.claim(folder, {"seed": 0, "recipe": {"epochs": 3}})
    before = (folder / "config.yaml").read_bytes()
    runs.claim(folder, {"seed": 0, "recipe": {"epochs": 3}})
    with pytest.raises(ValueError, match=r"another config:\n  recipe\.epochs: 3 -> 4\n.*name=") as refused:
        runs.claim(folder, {"seed": 0, "recipe": {"epochs": 4}})
    assert str(folder) in str(refused.value)
    assert (folder / "config.yaml").read_bytes() == before


def test_where_and_how_a_run_runs_may_change(tmp_path: Path) -> None:
    config = {"trainer": {"accelerator": "cpu"}, "tracker": {"mode": "off"}, "runs": "runs", "data": {"workers": 0}}
    runs.claim(tmp_path / "run", config)
    changed = {"trainer": {"accelerator": "gpu"}, "tracker": {"mode": "online"}, "runs": "elsewhere"}
    runs.claim(tmp_path / "run", {**changed, "data": {"workers": 4, "report": "problems.jsonl"}})
    with pytest.raises(ValueError, match="another config"):
        runs.claim(tmp_path / "run", {**config, "data": {"workers": 0, "seed": 1}})


def test_a_finished_run_has_its_figures_and_is_skipped(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = shrunk(*SHORTEST)
    figures = runs.train(cfg, run_folder)
    written = (run_folder / "metrics.json").read_bytes()
    assert json.loads(written) == figures
    assert {"clear/color_word_accuracy", "counter/color_word_accuracy", "chance"} <= figures.keys()
    assert figures["chance"] == pytest.approx(0.1)
    expected = {"config.yaml", "metrics.json", "csv", "pictures", "checkpoints", "test"}
    assert {path.name for path in run_folder.iterdir()} == expected

    monkeypatch.setattr(runs, "build", None)  # nothing is built again
    stamp = (run_folder / "metrics.json").stat().st_mtime_ns
    assert runs.train(cfg, run_folder) == figures
    assert verbs.train(cfg, run_folder) == figures["val/psnr"] > 0  # the score that a search goes by
    assert (run_folder / "metrics.json").stat().st_mtime_ns == stamp
    cfg.recipe.epochs = 3
    with pytest.raises(ValueError, match=r"recipe\.epochs: 2 -> 3"):
        runs.train(cfg, run_folder)
    assert (run_folder / "metrics.json").read_bytes() == written


def test_a_moved_run_knows_its_best_checkpoint(run_folder: Path, tmp_path: Path) -> None:
    figures = runs.train(shrunk(*SHORTEST), run_folder / "here")
    (run_folder / "here" / "metrics.json").unlink()
    moved = (run_folder / "here").rename(run_folder / "there")
    best = (moved / "checkpoints" / "best.ckpt").read_bytes()
    assert runs.train(shrunk(*SHORTEST), moved) == figures
    assert (moved / "checkpoints" / "best.ckpt").read_bytes() == best
    callback = runs.build_callbacks(shrunk(*SHORTEST), moved, assembly.build_data(runs.plain(shrunk())["data"], moved))[
        0
    ]
    assert isinstance(callback, runs.RunCheckpoint)
    state = torch.load(moved / "checkpoints" / "last.ckpt", weights_only=True)["callbacks"][callback.state_key]
    callback.load_state_dict(state)
    assert callback.best_model_path == str(moved / "checkpoints" / "best.ckpt")
    assert float(callback.best_model_score or 0) == figures["val/psnr"]


def test_training_starts_from_the_weights_of_a_checkpoint_or_a_package(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.train(shrunk(*SHORTEST), run_folder / "first")
    best = run_folder / "first" / "checkpoints" / "best.ckpt"
    export_package(best, run_folder / "package")
    wanted = load_checkpoint(best)[0].state_dict()
    begun: list[dict[str, torch.Tensor]] = []

    def stopped(trainer: Any, module: Any, *rest: Any) -> None:
        begun.append({name: value.clone() for name, value in module.colorizer.state_dict().items()})
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "fit", stopped)
    for source in (best, run_folder / "package"):
        with pytest.raises(KeyboardInterrupt):
            runs.train(shrunk(*SHORTEST, "seed=7", f"start_from='{source}'"), run_folder / source.name)
    assert all(torch.equal(value, wanted[name]) for name, value in begun[0].items())
    new = {name for name, value in begun[1].items() if not torch.equal(value, wanted[name])}
    assert new and all(name.startswith("shared_space.") for name in new)


def test_weights_of_another_model_are_refused_with_the_differences(run_folder: Path) -> None:
    runs.train(shrunk(*SHORTEST), run_folder / "first")
    best = run_folder / "first" / "checkpoints" / "best.ckpt"
    other = build_colorizer({**runs.plain(shrunk())["model"], **transformer(n_groups=3)})
    with pytest.raises(ValueError, match=r"does not fit this model, 1 differences:\n  transformer.group_tokens"):
        runs.take_weights(other, best)


def test_the_averaged_weights_are_the_ones_that_are_used(run_folder: Path) -> None:
    runs.train(shrunk(*SHORTEST, "recipe.ema=0.9"), run_folder)
    path = run_folder / "checkpoints" / "last.ckpt"
    colorizer, config = load_checkpoint(path)
    content = torch.load(path, weights_only=True)
    loaded = {f"colorizer.{name}": value for name, value in colorizer.state_dict().items()}
    moved = 0
    for name, current in content["current_model_state"].items():
        assert torch.equal(loaded[name], content["state_dict"][name])
        moved += not torch.equal(loaded[name], current)
    assert moved > 50
    assert not any(module.training for module in colorizer.modules())
    assert config["recipe"]["ema"] == 0.9


def test_averaging_leaves_whole_numbers_alone(run_folder: Path) -> None:
    """The word pieces that end a phrase are a buffer; an average that is cut to whole numbers would shift them."""
    phrases = {
        "_target_": "lcoins.models.text_encoders.PhraseEncoder",
        "source": "minilm",
        "width": 32,
        "max_length": 40,
    }
    cfg = shrunk(*SHORTEST, "recipe.ema=0.9999", text_encoder={**phrases, "pad_mask": True, "dim": 16})
    ends: list[torch.Tensor] = []
    picture = runs.PictureLog.rows

    def looked_at(self: Any, module: Any) -> Any:
        ends.append(module.colorizer.text_encoder.phrase_ends.clone())
        return picture(self, module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs.PictureLog, "rows", looked_at)
        runs.train(cfg, run_folder)
    assert [seen.tolist() for seen in ends] == [[1010, 1998]] * 2


class Evil:
    """What a foreign file may hold: code that runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("evil"),))


def test_foreign_files_are_refused_and_never_run(run_folder: Path) -> None:
    folder = run_folder.parent
    torch.save({"state_dict": {}, "epoch": 1}, folder / "foreign.ckpt")
    torch.save({"config": Evil(), "state_dict": {}}, folder / "evil.ckpt")
    (folder / "text.ckpt").write_text("no tensors here")
    (folder / "empty.ckpt").write_bytes(b"")
    for name in ("foreign", "evil", "text", "empty"):
        with pytest.raises(ValueError, match=rf"{name}\.ckpt is no checkpoint of lcoins"):
            load_checkpoint(folder / f"{name}.ckpt")
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*absent\.ckpt; train one with `lcoins train`"):
        load_checkpoint(folder / "absent.ckpt")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(folder)


@pytest.mark.parametrize("fast", [True, False])
def test_bf16_only_where_the_device_multiplies_it(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: fast)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: fast and not including_emulation)
    expected = "bf16-mixed" if fast else "32-true"
    assert [runs.best_precision(accelerator) for accelerator in ("cpu", "gpu", "auto")] == [expected] * 3
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert runs.best_precision("auto") == expected


def test_advertisements_are_dropped_and_the_rest_is_kept() -> None:
    def kept(text: str) -> bool:
        return runs.no_advertisement(logging.LogRecord("lightning", logging.INFO, "", 0, text, None, None))

    assert not kept("💡 Tip: For seamless cloud logging and experiment tracking, try installing [litlogger]")
    assert kept("`Trainer.fit` stopped: `max_epochs=3` reached.")


def test_training_tells_what_went_wrong_with_photos_in_the_run_folder(tmp_path: Path) -> None:
    made: dict[str, Any] = assembly.build_data({"_target_": "builtins.dict", "report": "problems.jsonl"}, tmp_path)  # type: ignore[assignment]
    assert made == {"report": str(tmp_path / "problems.jsonl")}
    assert assembly.build_data({"_target_": "builtins.dict", "report": None}, tmp_path) == {"report": None}
