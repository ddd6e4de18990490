"""Two processes on the CPU train one run: the same weights, the same figures, each file from one writer."""

import csv
import importlib.util
import json
import signal
from pathlib import Path

import pytest
import torch
from shrunk import NO_GROUPS, SYSTEMS, TESTS, shrunk

from lcoins.data.types import Batch
from lcoins.models.checkpoint import load_checkpoint
from lcoins.training import ranks
from lcoins.training.build import build_data
from lcoins.training.module import ColorizationTraining
from lcoins.training.run import evaluate_test_sets, plain_config, train_run
from lcoins.training.stopping import StoppedBySignal

SCRIPT = Path(__file__).with_name("two_ranks.py")
spec = importlib.util.spec_from_file_location("two_ranks", SCRIPT)
assert spec is not None and spec.loader is not None
two_ranks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(two_ranks)

# Counts that two ranks with batches of two cannot share out evenly, one of them smaller than the number of ranks.
ODD = [
    "augmentation=paper",
    "evaluation.recolor=true",
    "data.eval_batch_size=2",
    "data.val.length=5",
    *(f"data.tests.{name}.length={count}" for name, count in {"clear": 7, "instances": 1, "counter": 2}.items()),
]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two processes have trained 2 x 8 photos a step, into ``two``."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "overrides.json").write_text(json.dumps(ODD))
    first, second = two_ranks.started("train_and_systems", folder)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "metrics.json" in first.stdout
    assert (second.stdout, second.stderr) == ("", "")
    return folder


def losses(folder: Path, name: str) -> list[float]:
    (file,) = folder.glob("csv/version_*/metrics.csv")
    return [float(row[name]) for row in csv.DictReader(file.read_text().splitlines()) if row[name]]


def test_both_ranks_have_the_same_weights_after_every_epoch(two: Path) -> None:
    noted = [(two / f"weights_{rank}.txt").read_text().split() for rank in (0, 1)]
    assert noted[0] == noted[1]
    assert len(set(noted[0])) == 3


def test_two_times_eight_photos_train_like_sixteen(two: Path) -> None:
    train_run(shrunk("data.batch_size=16", *ODD, **two_ranks.without_noise()), two / "one")
    for name, count in {"train/loss": 12, "val/psnr": 3, "val/color_word_accuracy": 3, "val/chromatic": 3}.items():
        expected = losses(two / "one", name)
        assert len(expected) == count
        assert losses(two / "two", name) == pytest.approx(expected, rel=2e-4), name
    assert (
        json.loads((two / "two" / "metrics.json").read_text()).keys()
        == json.loads((two / "one" / "metrics.json").read_text()).keys()
    )


def test_each_test_pair_is_reported_once_with_the_figures_of_one_process(two: Path) -> None:
    run, again = two / "two", two / "again"
    config = plain_config(shrunk(*ODD, **two_ranks.without_noise()))
    colorizer, _ = load_checkpoint(run / "checkpoints" / "best.ckpt")
    evaluate_test_sets(colorizer, build_data(config["data"], again), config["evaluation"], again / "test", "cpu")
    names = sorted(path.name for path in (again / "test").iterdir())
    assert names == sorted(path.name for path in (run / "test").iterdir())
    for name in names:
        assert (run / "test" / name).read_bytes() == (again / "test" / name).read_bytes(), name
    rows = list(csv.DictReader((run / "test" / "clear_pairs.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == [f"clear/{i:05d}" for i in range(7)]


def test_the_folder_has_one_log_and_nothing_half_written(two: Path) -> None:
    assert [path.name for path in (two / "two" / "csv").iterdir()] == ["version_0"]
    assert not list(two.rglob("*.part"))


def test_every_system_trains_in_two_processes(two: Path) -> None:
    noted = [(two / "systems" / f"weights_{rank}.txt").read_text().split() for rank in (0, 1)]
    assert noted[0] == noted[1]
    assert len(noted[0]) == len(SYSTEMS) + 5


def test_a_run_goes_on_with_another_number_of_devices(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight steps with 8 photos in the first epoch, four with 16 in the second; the learning rate ends at its end."""
    lengths = [f"data.tests.{name}.length=1" for name in TESTS]
    short = ["data.batch_size=8", "recipe.epochs=2", "recipe.min_lr=1.0e-5", *lengths]

    def interrupted(self: ColorizationTraining) -> None:
        if self.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ColorizationTraining, "on_train_epoch_start", interrupted)
        train_run(shrunk(*short, **NO_GROUPS), run_folder)
    capsys.readouterr()
    train_run(shrunk("trainer.devices=2", *short, **NO_GROUPS), run_folder)
    said = capsys.readouterr().out
    assert "last.ckpt, after epoch 1" in said
    assert "8 (1 device x 8 photos) before, 16 (2 devices x 8 photos) now" in said
    content = torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert (content["epoch"], content["global_step"]) == (1, 12)
    assert content["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(1e-5)


def test_a_process_starts_the_others_itself_and_stops_with_them(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine with two devices, without a launcher; and again, as in a sweep.

    The second run gets a signal in mid-epoch, in its first process alone. Started again it ends with the weights of the
    first one, which nobody stopped.
    """
    lengths = [f"data.tests.{name}.length=1" for name in TESTS]
    short = ["trainer.devices=2", "data.batch_size=8", "recipe.epochs=2", "data.train.length=48", *lengths]
    whole, parts = run_folder / "whole", run_folder / "parts"
    train_run(shrunk(*short, **NO_GROUPS), whole)
    assert (whole / "metrics.json").is_file()
    train_step = ColorizationTraining.training_step

    def told(self: ColorizationTraining, batch: Batch, batch_idx: int) -> torch.Tensor:
        if self.global_step == 4:
            signal.raise_signal(signal.SIGTERM)
        return train_step(self, batch, batch_idx)

    with monkeypatch.context() as patch, pytest.raises(StoppedBySignal, match="SIGTERM in epoch 2, after 2 batches"):
        patch.setattr(ColorizationTraining, "training_step", told)
        train_run(shrunk(*short, **NO_GROUPS), parts)
    assert torch.load(parts / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 5
    train_run(shrunk(*short, **NO_GROUPS), parts)
    expected, got = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for folder in (whole, parts)
    )
    assert [name for name, value in expected.items() if not torch.equal(value, got[name])] == []


@pytest.mark.parametrize(("variables", "first"), [({}, True), ({"RANK": "0"}, True), ({"SLURM_PROCID": "3"}, False)])
def test_the_first_process_is_known_by_any_launcher(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], first: bool
) -> None:
    for name in ranks.RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ranks.is_first() == first


def test_processes_without_devices_are_refused(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=r"started 2 processes, but .* ask for 1; .*trainer\.devices=2"):
        train_run(shrunk(), run_folder)
