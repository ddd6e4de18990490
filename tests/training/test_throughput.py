"""The log of a training says how many operations a second it does, and of what share of the peak."""

import csv
from pathlib import Path

import pytest
import torch
from shrunk import shrunk

from lcoins.training.run import train_run
from lcoins.training.throughput import matrix_product_rate


def test_a_product_of_matrices_has_a_rate() -> None:
    rate = matrix_product_rate("cpu", torch.float32, seconds=0.01)
    assert 1e8 < rate.per_processor_second < 1e15
    assert 1e8 < rate.per_second < 1e15


def test_the_log_has_operations_a_second_and_the_share_of_the_peak(tmp_path: Path) -> None:
    options = ["data.batch_size=1", "data.train.length=55", "recipe.epochs=1", "recipe.pictures=0"]
    train_run(shrunk(*options), tmp_path)
    (path,) = tmp_path.glob("csv/version_*/metrics.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rates = [float(row["train/device/flops_per_sec"]) for row in rows if row.get("train/device/flops_per_sec")]
    shares = [float(row["train/device/mfu"]) for row in rows if row.get("train/device/mfu")]
    assert len(rates) == len(shares) >= 3
    assert all(0 < share < 1 for share in shares)
    assert rates[0] / shares[0] == pytest.approx(rates[-1] / shares[-1])
