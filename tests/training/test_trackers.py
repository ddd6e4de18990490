"""TensorBoard and MLflow: the same figures and contact sheets as wandb gets, and a run that goes on where it was."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import lightning.pytorch.loggers.mlflow as lightning_mlflow
import pytest
from PIL import Image
from shrunk import shrunk

from lcoins.cli.errors import explain
from lcoins.evaluation.result import EvaluationReport
from lcoins.training import tracking
from lcoins.training.run import plain_config, train_run
from lcoins.training.tracking import Tracker, build_loggers, log_test_results

SHORTEST = ("recipe.epochs=1", "data.train.length=16", "data.batch_size=8")


def tracker_of(folder: Path, *overrides: str) -> Any:
    return build_loggers(plain_config(shrunk(*overrides)), folder)[1]


def test_tensorboard_has_curves_figures_and_sheets(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "shrunk" / "ablation=full" / "seed=0"
    figures = train_run(shrunk(*SHORTEST, "tracker=tensorboard"), folder)
    held = EventAccumulator(str(folder / "tensorboard")).Reload()
    shown = held.Tags()
    assert {*figures, "train/loss", "val/psnr"} <= set(shown["scalars"])
    assert held.Scalars("clear/psnr")[-1].value == pytest.approx(figures["clear/psnr"], rel=1e-5)
    assert {"val/pictures", "test/clear_sheet"} <= set(shown["images"])
    with Image.open(folder / "test" / "clear_sheet.png") as sheet:
        (picture,) = held.Images("test/clear_sheet")
        assert (picture.width, picture.height) == sheet.size


@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")  # written for an older SQLAlchemy
def test_mlflow_has_figures_and_sheets_and_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder, runs = tmp_path / "runs" / "shrunk" / "seed=0", tmp_path / "runs"
    chosen = (*SHORTEST, "tracker=mlflow", f"runs={runs}")
    figures = train_run(shrunk(*chosen, "tracker.log_model=true"), folder)
    again = tracker_of(folder, *chosen, "tracker.tags=[other]")
    run = again.experiment.get_run(again.run_id)
    assert {name: run.data.metrics[name] for name in figures} == pytest.approx(figures)
    assert run.data.params["seed"] == "0" and run.info.run_name == "shrunk/shrunk/seed=0"
    files = {
        file.relative_to(runs / "mlflow" / again.run_id / "artifacts").as_posix()
        for file in runs.rglob("*.*")
        if file.is_relative_to(runs / "mlflow" / again.run_id / "artifacts")
    }
    assert {"config.yaml", "test/clear_sheet.png", "checkpoints/best.ckpt"} <= files
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}


class FakeClient:
    """What lcoins and Lightning ask of an MLflow client, written down; all clients share one server."""

    runs: dict[str, dict[str, Any]]
    calls: list[tuple[str, ...]]

    def __init__(self, uri: str):
        self.calls.append(("uri", uri))

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id="7", lifecycle_stage="active")

    def search_runs(self, experiments: list[str], wanted: str) -> list[Any]:
        return [
            SimpleNamespace(info=SimpleNamespace(run_id=run))
            for run, tags in self.runs.items()
            if wanted == f"tags.`lcoins.run` = '{tags['lcoins.run']}'"
        ]

    def create_run(self, experiment_id: str, tags: dict[str, Any]) -> Any:
        self.runs[f"run{len(self.runs)}"] = tags
        return SimpleNamespace(info=SimpleNamespace(run_id=list(self.runs)[-1]))

    def get_run(self, run: str) -> Any:
        return SimpleNamespace(info=SimpleNamespace(experiment_id="7"))

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = ()) -> None:
        self.calls += [("metric", run_id, str(metric.key)) for metric in metrics]
        self.calls += [("param", run_id, str(param.key)) for param in params]

    def log_image(self, run_id: str, image: Any, key: str, step: int) -> None:
        self.calls.append(("image", run_id, key, str(step)))

    def log_artifact(self, run_id: str, path: str, folder: str) -> None:
        self.calls.append(("artifact", run_id, Path(path).name, folder))

    def log_dict(self, run_id: str, content: Any, path: str) -> None:
        self.calls.append(("dict", run_id, path))

    def update_run(self, run_id: str, status: str) -> None:
        self.calls.append(("status", run_id, status))

    def set_terminated(self, run_id: str, status: str) -> None:
        self.calls.append(("status", run_id, status))


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> type[FakeClient]:
    """A client in place of MLflow's, whether that is installed or not."""
    client = type("Client", (FakeClient,), {"runs": {}, "calls": []})

    class Value(SimpleNamespace):
        pass

    parts = {
        "mlflow": {"set_tracking_uri": lambda uri: None},
        "mlflow.entities": {"Metric": Value, "Param": Value},
        "mlflow.tracking": {"MlflowClient": client, "context": SimpleNamespace()},
        "mlflow.utils": {},
        "mlflow.utils.mlflow_tags": {"MLFLOW_RUN_NAME": "mlflow.runName"},
    }
    for name, content in parts.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(lightning_mlflow, "_MLFLOW_AVAILABLE", True)
    monkeypatch.setattr(lightning_mlflow, "_get_resolve_tags", lambda: dict)
    monkeypatch.setattr(tracking, "find_spec", lambda name: object())
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return client


def test_what_mlflow_is_told_of_a_run(tmp_path: Path, mlflow: type[FakeClient]) -> None:
    folder = tmp_path / "runs" / "variant" / "seed=0"
    chosen = ("tracker=mlflow", f"runs={tmp_path / 'runs'}", "tracker.tags=[mine]")
    first = tracker_of(folder, *chosen)
    assert isinstance(first, Tracker)
    assert ("uri", f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}") in mlflow.calls
    assert mlflow.runs["run0"]["mlflow.runName"] == "shrunk/variant/seed=0" and "mine" in mlflow.runs["run0"]
    assert ("param", "run0", "seed") in mlflow.calls and ("dict", "run0", "config.yaml") in mlflow.calls

    sheets = tmp_path / "test"
    sheets.mkdir()
    Image.new("RGB", (4, 4)).save(sheets / "clear_sheet.png")
    first.log_image("val/pictures", [str(sheets / "clear_sheet.png")], step=3)
    log_test_results([first], [EvaluationReport("clear", {}, {})], {"clear/psnr": 20.0}, sheets, Path("best.ckpt"))
    assert mlflow.calls[-5:] == [
        ("image", "run0", "val/pictures", "3"),
        ("metric", "run0", "clear/psnr"),
        ("artifact", "run0", "clear_sheet.png", "test"),
        ("artifact", "run0", "best.ckpt", "checkpoints"),
        ("status", "run0", "FINISHED"),
    ]
    told = len(mlflow.calls)
    assert tracker_of(folder, *chosen).run_id == "run0"
    assert {call[0] for call in mlflow.calls[told:]} == {"uri", "status"}  # parameters cannot be changed there
    assert tracker_of(folder.with_name("seed=1"), *chosen, "tracker.uri=http://127.0.0.1:5000").run_id == "run1"
    assert ("uri", "http://127.0.0.1:5000") in mlflow.calls


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_tracker_that_is_not_installed_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda package: None)
    with pytest.raises(ValueError) as refused:
        tracker_of(tmp_path, f"tracker={name}")
    assert f"needs {name}, which is not installed; run: pip install 'lcoins[{name}]'" in (explain(refused.value) or "")
