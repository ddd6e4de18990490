"""Lightning's Trainer for a run: its precision, and what of Lightning's log is not shown."""

import logging
import os
from pathlib import Path

import pytest
import torch
from lightning.fabric.plugins.environments import LightningEnvironment, SLURMEnvironment
from shrunk import NO_GROUPS, shrunk

from lcoins.training.build import build_training
from lcoins.training.run import plain_config
from lcoins.training.trainer import (
    advertisements_hidden,
    best_precision,
    build_trainer,
    cluster_environment,
    count_devices,
)


@pytest.mark.parametrize("fast", [True, False])
def test_bf16_only_where_the_device_multiplies_it(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: fast)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: fast and not including_emulation)
    expected = "bf16-mixed" if fast else "32-true"
    assert [best_precision(accelerator) for accelerator in ("cpu", "gpu", "auto")] == [expected] * 3
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_precision("auto") == expected


def test_advertisements_are_dropped_and_the_rest_is_kept() -> None:
    kept: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record.getMessage())

    log, handler = logging.getLogger("lightning.pytorch.utilities.rank_zero"), Keeper()
    tip = "💡 Tip: For seamless cloud logging and experiment tracking, try installing [litlogger]"
    rest = "`Trainer.fit` stopped: `max_epochs=3` reached."
    before = list(log.filters)
    log.addHandler(handler)
    try:
        with advertisements_hidden():
            log.warning(tip)
            log.warning(rest)
        assert kept == [rest]
        assert log.filters == before
    finally:
        log.removeHandler(handler)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
@pytest.mark.parametrize("override", ["trainer.accelerator=gpu", "trainer.devices=two"])
def test_a_device_that_is_not_there_is_named_in_one_line(tmp_path: Path, override: str) -> None:
    config = plain_config(shrunk(override))
    module, data = build_training(config, tmp_path)
    key, _, value = override.removeprefix("trainer.").partition("=")
    with pytest.raises(ValueError, match=rf"trainer \(.*{key}={value}.*; trainer=auto takes") as error:
        build_trainer(config, tmp_path, data, module)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("precision", ["bf16-true", "16-true", "64-true", "transformer-engine", "7"])
def test_a_precision_that_cannot_train_is_refused_with_those_that_can(tmp_path: Path, precision: str) -> None:
    config = plain_config(shrunk(f"trainer.precision={precision}", **NO_GROUPS))
    module, data = build_training(config, tmp_path)
    expected = rf"trainer\.precision={precision}: take one of auto, 32-true, bf16-mixed, 16-mixed"
    with pytest.raises(ValueError, match=expected):
        build_trainer(config, tmp_path, data, module)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2"}, LightningEnvironment),  # the script of a job, without srun
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "1", "SLURM_STEP_NUM_TASKS": "1"}, LightningEnvironment),
        (
            {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_STEP_NUM_TASKS": "2"},
            SLURMEnvironment,
        ),
    ],
)
def test_the_tasks_of_srun_are_the_processes_and_lightning_requeues_nothing(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: type | None
) -> None:
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    environments = cluster_environment()
    assert [type(environment) for environment in environments] == ([expected] if expected else [])
    assert not any(getattr(environment, "auto_requeue", False) for environment in environments)


def test_a_login_node_with_srun_gives_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert count_devices({"accelerator": "cpu", "devices": 2}) == 2
