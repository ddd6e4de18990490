"""The command itself: from training to a colored photo, and what it says when something is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from called import Call, one_line
from drawn_things import TWO_PHOTOS, write_things
from omegaconf import DictConfig
from PIL import Image
from shrunk import MODEL, SPLITS, checkpoint

from lcoins import __version__
from lcoins.cli import hydra_commands
from lcoins.cli.result_folders import expect_same_weights

FEW = [f"data.{split}.length=8" for split in ("train", *SPLITS)]


def test_the_versions_for_a_report_stand_in_one_line(lcoins: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("--version") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"lcoins {__version__}") and printed.count("\n") == 1
    assert f"torch {torch.__version__.partition('+')[0]}" in printed and "Python 3." in printed


def test_from_training_to_a_colored_photo(lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = run_folder / "runs"
    shortest = ["recipe.epochs=1", "data.batch_size=8", *FEW, f"runs={runs}", "recipe.pictures=1", "name=tried"]
    assert lcoins("train", *shortest) == 0
    (metrics,) = runs.rglob("metrics.json")
    run = metrics.parent
    assert run.parent.parent == runs / "tried"
    assert run.name == "seed=0"
    shown = capsys.readouterr()
    assert "lcoins colorize PHOTO" in shown.out
    for noise in ("Tip:", "flops_per_batch", "in eval mode at", "summary callbacks", "treespec", "num_workers"):
        assert noise not in shown.out + shown.err

    assert (
        lcoins(
            "eval",
            f"run={run}",
            "evaluation.recolor=false",
            "data=scenes",
            "data.tests.counter.length=4",
            "data.tests.clear.length=4",
            "data.tests.instances.length=4",
        )
        == 0
    )
    (again,) = (run / "eval").rglob("metrics.json")
    assert json.loads((again.parent / "weights.json").read_text())["name"] == "best.ckpt"
    assert json.loads(again.read_text()).keys() >= {"clear/psnr", "counter/color_word_accuracy", "chance"}

    photo = run_folder / "photo.png"
    Image.fromarray(np.full((20, 30, 3), 120, np.uint8)).save(photo)
    out = run_folder / "colored.png"
    assert lcoins("colorize", photo, "a red car", "--checkpoint", run / "checkpoints" / "best.ckpt", "-o", out) == 0
    with Image.open(out) as picture:
        assert picture.size == (30, 20)
    assert lcoins("colorize", photo, "a red car", "--checkpoint", run / "checkpoints" / "best.ckpt", "-o", out) != 0


def test_info_gives_json_and_leaves_nothing(lcoins: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("info", "model=tiny", "--json") == 0
    parts = json.loads(capsys.readouterr().out)
    total = parts.pop("total")
    assert total["parameters"] == sum(part["parameters"] for part in parts.values()) > 0


def test_a_sweep_names_its_folders_from_overrides_and_seed(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: dict[str, tuple[float, int]] = {}

    def note(cfg: DictConfig, folder: Path) -> None:
        ran[folder.relative_to(run_folder).as_posix()] = (cfg.augmentation.hue, cfg.seed)

    monkeypatch.setitem(hydra_commands.COMMANDS, "train", note)
    assert lcoins("train", "-m", "ablation=full,no_la", "seed=0,1", f"runs={run_folder}") == 0
    assert ran == {
        "scenes-lcoins_tiny/ablation=full/seed=0": (180, 0),
        "scenes-lcoins_tiny/ablation=full/seed=1": (180, 1),
        "scenes-lcoins_tiny/ablation=no_la/seed=0": (0, 0),
        "scenes-lcoins_tiny/ablation=no_la/seed=1": (0, 1),
    }


def test_a_sweep_goes_on_after_a_failed_job_and_fails_at_its_end(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def fail_first(cfg: DictConfig, folder: Path) -> None:
        ran.append(folder.parent.name)
        if len(ran) == 1:
            raise ValueError("the first job is wrong")

    monkeypatch.setitem(hydra_commands.COMMANDS, "train", fail_first)
    assert lcoins("train", "-m", "ablation=full,no_la", f"runs={run_folder}") == 2
    assert ran == ["ablation=full", "ablation=no_la"]
    message = capsys.readouterr().err
    assert "lcoins: the first job is wrong" in message
    assert "Traceback" not in message


def test_a_fault_of_the_program_is_shown_at_once_in_a_sweep(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def broken(cfg: DictConfig, folder: Path) -> None:
        shown.append(capsys.readouterr().err)
        if len(shown) == 1:
            raise KeyError("a bug")

    monkeypatch.setitem(hydra_commands.COMMANDS, "train", broken)
    with pytest.raises(KeyError, match="a bug"):
        lcoins("train", "-m", "ablation=full,no_la", f"runs={run_folder}")
    assert "a bug" in shown[1] and "Traceback" in shown[1]  # before the second job began


def test_the_experiment_of_the_ablations_is_a_sweep_over_seeds(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setitem(
        hydra_commands.COMMANDS, "train", lambda cfg, folder: ran.append(folder.relative_to(run_folder).as_posix())
    )
    assert lcoins("train", "experiment=ablations", "recipe.epochs=2", f"runs={run_folder}") == 0
    parts = ("full", "no_ge", "no_ga", "no_la", "no_cl")
    folders = [f"ablations/ablation={part},recipe.epochs=2/seed={seed}" for seed in range(3) for part in parts]
    assert ran == folders


def test_an_interrupt_says_how_to_go_on(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(cfg: DictConfig, folder: Path) -> None:
        raise KeyboardInterrupt("interrupted; start the same command again to go on from last.ckpt")

    monkeypatch.setitem(hydra_commands.COMMANDS, "train", stop)
    assert lcoins("train", f"runs={run_folder}") == 130
    assert "start the same command again to go on from last.ckpt" in one_line(capsys)


def test_a_fault_of_the_program_keeps_its_traceback(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(cfg: DictConfig, folder: Path) -> None:
        raise KeyError("a bug")

    monkeypatch.setitem(hydra_commands.COMMANDS, "train", broken)
    with pytest.raises(KeyError, match="a bug"):
        lcoins("train", f"runs={run_folder}")


def test_no_checkpoint(lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder.mkdir()
    Image.new("L", (8, 8)).save(run_folder / "p.png")
    assert lcoins("colorize", run_folder / "p.png", "a red car", "--checkpoint", run_folder / "best.ckpt") == 2
    assert "no checkpoint at" in one_line(capsys)
    assert lcoins("eval", f"run={run_folder}") == 2
    assert f"no checkpoint at {run_folder}/checkpoints/best.ckpt; train one" in one_line(capsys)
    assert not (run_folder / "eval").exists()


def test_a_folder_that_vanishes_hides_no_message(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def vanishing(self: Path, pattern: str) -> Iterator[Path]:
        raise FileNotFoundError(2, "No such file or directory", str(self / "gone"))
        yield self

    run_folder.mkdir()
    monkeypatch.setattr(Path, "glob", vanishing)
    assert lcoins("eval", f"run={run_folder}") == 2
    assert f"no checkpoint at {run_folder}/checkpoints/best.ckpt; train one" in one_line(capsys)


def test_a_run_without_a_checkpoint_names_finished_ones(
    lcoins: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = tmp_path / "runs" / "mine" / "ablation=full" / "seed=0"
    (finished / "checkpoints").mkdir(parents=True)
    for file in ("metrics.json", "checkpoints/best.ckpt"):
        (finished / file).touch()
    asked = tmp_path / "runs" / "mine" / "default" / "seed=0"
    assert lcoins("eval", f"run={asked}", f"output={tmp_path / 'out'}") == 2
    assert f"finished runs near it: {finished}" in one_line(capsys)
    assert not asked.parent.exists() and not (tmp_path / "out").exists()


def test_evaluation_without_a_run(lcoins: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("eval") == 2
    message = one_line(capsys)
    assert "got neither run nor checkpoint; give run=FOLDER of a run, checkpoint=builtin" in message
    assert message.count("\n") == 1


def test_obedience_of_a_run_and_of_its_package(
    lcoins: Call, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The network alone is asked of a run, and what a person gets of a package."""
    best = checkpoint(run_folder / "checkpoints", MODEL)
    assert lcoins("export", best, "-o", tmp_path / "package") == 0
    files = write_things(tmp_path / "drawn", *TWO_PHOTOS)
    data = ["data=obedience", f"data.root={files.root}", f"data.instances={files.instances}"]
    captions = f"data.captions={files.captions}"
    assert lcoins("eval", f"run={run_folder}", *data, captions, "data.image_size=32") == 0
    (first,) = run_folder.rglob("obedience.json")
    assert first.parent == run_folder / "eval" / "data.image_size=32,data=obedience"
    again = tmp_path / "again"
    package = [f"checkpoint={tmp_path / 'package'}", f"output={again}"]
    assert "by the network alone" in capsys.readouterr().out
    assert lcoins("eval", *package, *data, captions, "data.image_size=32", "focus=false") == 0
    assert "by the network alone" in capsys.readouterr().out
    one, other = (json.loads((folder / "obedience.json").read_text()) for folder in (first.parent, again))
    assert one["figures"] == other["figures"] and one["figures"].keys() == {"gray", "truth", "oracle", "system"}
    assert one["settings"]["weights"] != other["settings"]["weights"]
    assert (again / "obedience_sheet.png").is_file() and (again / "obedience_things.csv").is_file()
    assert lcoins("eval", *package, *data, "data.limit=1", "data.image_size=32") == 0
    assert "as lcoins colorize does" in capsys.readouterr().out
    assert json.loads((again / "obedience.json").read_text())["settings"]["photos"]["read"] == 1


def test_the_figures_of_two_runs_do_not_replace_each_other(
    lcoins: Call, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor do those of other weights of the same name; the same weights are evaluated again."""
    monkeypatch.chdir(tmp_path)
    files = write_things(tmp_path / "drawn", *TWO_PHOTOS)
    data = ["data=obedience", f"data.root={files.root}", f"data.instances={files.instances}", "data.image_size=32"]
    for seed in (0, 1):
        best = checkpoint(tmp_path / "runs" / "mine" / "default" / f"seed={seed}" / "checkpoints", MODEL)
        torch.save(torch.load(best, weights_only=True) | {"epoch": seed}, best)
        assert lcoins("eval", f"checkpoint={best}", *data) == 0
    label = "data.image_size=32,data=obedience"
    first, second = (tmp_path / "eval" / "mine" / "default" / f"seed={seed}" / label for seed in (0, 1))
    before = {path: path.read_bytes() for path in second.rglob("*") if path.is_file()}
    assert (first / "obedience.json").is_file() and second / "obedience.json" in before
    other = tmp_path / "runs" / "mine" / "default" / "seed=0" / "checkpoints" / "best.ckpt"
    capsys.readouterr()
    assert lcoins("eval", f"checkpoint={other}", *data, f"output={second}") == 2
    assert "holds the figures of other weights than those of" in one_line(capsys)
    assert lcoins("eval", f"run={other.parents[1]}", *data, f"output={second}") == 2
    assert before == {path: path.read_bytes() for path in second.rglob("*") if path.is_file()}
    assert lcoins("eval", f"checkpoint={best}", *data, f"output={second}") == 0


def test_figures_of_unknown_weights_are_not_replaced(tmp_path: Path) -> None:
    weights = checkpoint(tmp_path, MODEL)
    expect_same_weights(tmp_path / "new", weights)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(FileExistsError, match=r"or does not say of which; choose another folder with output="):
        expect_same_weights(tmp_path, weights)
    (tmp_path / "weights.json").write_text(json.dumps(hydra_commands.weights_of(weights)))
    expect_same_weights(tmp_path, weights)


def test_a_package_without_test_sets_asks_for_data(
    lcoins: Call, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = checkpoint(run_folder / "checkpoints", MODEL)
    assert lcoins("eval", f"checkpoint={best}", f"output={tmp_path / 'eval'}") == 2
    assert "best.ckpt has no test sets of its own; choose some with data=obedience" in one_line(capsys)


def test_the_benchmark_of_obedience_is_not_for_training(
    lcoins: Call, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_things(tmp_path / "drawn", *TWO_PHOTOS)
    data = ["data=obedience", f"data.root={files.root}", f"data.instances={files.instances}"]
    assert lcoins("train", *data, f"runs={run_folder}") == 2
    assert "expected data to train on, got lcoins.data.photos_with_things" in one_line(capsys)


@pytest.mark.parametrize(
    ("command", "group", "existing"),
    [
        ("train", "experiment", "ablations"),
        ("train", "system", "lcode_tiny"),
        ("train", "ablation", "no_la"),
        ("train", "trainer", "ddp"),
        ("bench", "model", "small"),
        ("eval", "data", "photos"),
    ],
)
def test_an_unknown_choice_is_refused_with_the_existing_ones(
    lcoins: Call, capsys: pytest.CaptureFixture[str], command: str, group: str, existing: str
) -> None:
    assert lcoins(command, f"{group}=nope", "run=none" if command == "eval" else "seed=0") == 2
    message = one_line(capsys)
    assert f"there is no {group}=nope; choose one of " in message
    assert f" {existing}" in message
    assert message.count("\n") == 1


def test_an_unknown_key_is_refused(lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for override, meant in (("recipe.epoch=3", "recipe.epochs"), ("models=tiny", "model")):
        assert lcoins("train", override, f"runs={run_folder}") == 2
        message = one_line(capsys)
        assert f"no key {override.partition('=')[0]}; did you mean {meant}?\n" in message
        assert message.count("\n") == 1


def test_a_model_of_another_system_is_refused(
    lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lcoins("train", "model=lcode_tiny", f"runs={run_folder}") == 2
    assert "choose system=lcode or system=lcode_tiny in place of model=lcode_tiny" in one_line(capsys)


@pytest.mark.parametrize("system", ["lcode_tiny", "xie2018_tiny", "lcoder_tiny"])
@pytest.mark.parametrize("ablation", ["no_la", "no_ge"])
def test_an_ablation_of_another_system_is_refused(
    lcoins: Call,
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    system: str,
    ablation: str,
) -> None:
    """Also "w/o LA": L-CoDe has no augmentation, and Xie2018 one of its own."""
    monkeypatch.setitem(hydra_commands.COMMANDS, "train", lambda cfg, folder: None)
    assert lcoins("train", f"system={system}", f"ablation={ablation}", f"runs={run_folder}") == 2
    assert f"ablation={ablation} takes a part of L-CoIns away, and model={system}" in one_line(capsys)


def test_system_and_model_name_the_folder_of_a_run(
    lcoins: Call, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setitem(
        hydra_commands.COMMANDS, "train", lambda cfg, folder: ran.append(folder.relative_to(run_folder).as_posix())
    )
    for overrides in (
        ["system=lcode_tiny"],
        ["model=small"],
        ["experiment=augmentations", "system=lcoins_small", "augmentation=none"],
    ):
        assert lcoins("train", *overrides, f"runs={run_folder}") == 0
    assert ran == [
        "scenes-lcode_tiny/default/seed=0",
        "scenes-lcoins_tiny/model=small/seed=0",
        "augmentations/augmentation=none,system=lcoins_small/seed=0",
    ]


def test_photos_without_folders(lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("train", "data=photos", f"runs={run_folder}") == 2
    assert "data.train.root is missing; give it on the command line as data.train.root=..." in one_line(capsys)
    assert not list(run_folder.rglob("config.yaml")) or not list(run_folder.rglob("checkpoints"))


def test_grouping_without_groups(lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("train", "model.transformer.n_groups=0", f"runs={run_folder}", *FEW, "data.batch_size=8") == 2
    message = one_line(capsys)
    assert "groups" in message
    assert "Error in call to target" not in message


def test_a_wrong_value_deep_inside(lcoins: Call, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("train", "augmentation.hue=400", f"runs={run_folder}") == 2
    assert "hue must lie in 0..180 degrees, not 400" in one_line(capsys)
