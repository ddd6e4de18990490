"""A run: skipped when finished, started from other weights, its checkpoints loaded again."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from shrunk import shrunk

from lcoins.cli import hydra_commands
from lcoins.locks import FolderInUse, locked
from lcoins.models.checkpoint import load_checkpoint
from lcoins.training import run
from lcoins.training.build import build_data
from lcoins.training.picture_log import PictureLog
from lcoins.training.run import plain_config, train_run
from lcoins.training.trainer import RunCheckpoint, build_callbacks

SHORTEST = ("recipe.epochs=2", "data.train.length=16", "data.batch_size=8")


def test_a_finished_run_has_its_figures_and_is_skipped(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = shrunk(*SHORTEST)
    figures = train_run(cfg, run_folder)
    written = (run_folder / "metrics.json").read_bytes()
    assert json.loads(written) == figures
    assert {"clear/color_word_accuracy", "counter/color_word_accuracy", "chance"} <= figures.keys()
    assert figures["chance"] == pytest.approx(0.1)
    expected = {"config.yaml", "metrics.json", "csv", "pictures", "checkpoints", "test"}
    assert {path.name for path in run_folder.iterdir()} == expected

    monkeypatch.setattr(run, "build_training", None)  # nothing is built again
    stamp = (run_folder / "metrics.json").stat().st_mtime_ns
    assert train_run(cfg, run_folder) == figures
    assert hydra_commands.train(cfg, run_folder) == figures["val/psnr"] > 0  # the score that a search goes by
    assert (run_folder / "metrics.json").stat().st_mtime_ns == stamp
    cfg.recipe.epochs = 3
    with pytest.raises(ValueError, match=r"recipe\.epochs: 2 -> 3"):
        train_run(cfg, run_folder)
    assert (run_folder / "metrics.json").read_bytes() == written


def test_a_moved_run_knows_its_best_checkpoint(run_folder: Path, tmp_path: Path) -> None:
    figures = train_run(shrunk(*SHORTEST), run_folder / "here")
    (run_folder / "here" / "metrics.json").unlink()
    moved = (run_folder / "here").rename(run_folder / "there")
    best = (moved / "checkpoints" / "best.ckpt").read_bytes()
    assert train_run(shrunk(*SHORTEST), moved) == figures
    assert (moved / "checkpoints" / "best.ckpt").read_bytes() == best
    config = plain_config(shrunk(*SHORTEST))
    callback = build_callbacks(config["recipe"], moved, build_data(config["data"], moved))[0]
    assert isinstance(callback, RunCheckpoint)
    state = torch.load(moved / "checkpoints" / "last.ckpt", weights_only=True)["callbacks"][callback.state_key]
    callback.load_state_dict(state)
    assert callback.best_model_path == str(moved / "checkpoints" / "best.ckpt")
    assert float(callback.best_model_score or 0) == figures["val/psnr"]


def test_the_averaged_weights_are_the_ones_that_are_used(run_folder: Path) -> None:
    train_run(shrunk(*SHORTEST, "recipe.ema=0.9"), run_folder)
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
    rows = PictureLog.rows

    def looked_at(self: Any, module: Any) -> Any:
        ends.append(module.colorizer.text_encoder.phrase_ends.clone())
        return rows(self, module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PictureLog, "rows", looked_at)
        train_run(cfg, run_folder)
    assert [phrase_ends.tolist() for phrase_ends in ends] == [[1010, 1998]] * 2


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


def test_a_fast_run_for_development_leaves_nothing(run_folder: Path) -> None:
    figures = train_run(shrunk(*SHORTEST, "trainer.fast_dev_run=true"), run_folder)
    assert figures.keys() == {"val/psnr"}
    assert not run_folder.exists()


def test_gradients_are_clipped_beside_the_fused_optimizer_at_any_precision(run_folder: Path) -> None:
    cfg = shrunk(
        *SHORTEST, "trainer.fast_dev_run=true", "trainer.precision=bf16-mixed", "trainer.gradient_clip_val=0.5"
    )
    assert train_run(cfg, run_folder)


def test_a_second_process_at_the_same_run_is_refused(run_folder: Path) -> None:
    with locked(run_folder), pytest.raises(FolderInUse, match=rf"in use by process {os.getpid()} on "):
        train_run(shrunk(*SHORTEST), run_folder)
