"""Statistics of the training set that a system needs before it is built: the words of its captions, and its colors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from torch import Tensor

from lcoins.color.lab import split_lab
from lcoins.data.datamodule import ColorizationData, SampleSet
from lcoins.data.types import collate
from lcoins.files import write_whole
from lcoins.models.compared.bilstm import vocabulary_of
from lcoins.training.compared_losses import ClassificationObjective

BATCH_SIZE = 32


def lacks_vocabulary(model: Mapping[str, Any]) -> bool:
    """Whether the text encoder of a plain model config asks for a vocabulary that the config leaves open."""
    text = model["text_encoder"]
    return "vocabulary" in text and text["vocabulary"] is None


def with_vocabulary(model: Mapping[str, Any], data: ColorizationData) -> dict[str, Any]:
    """The plain model config with the words of the training captions as the vocabulary of its text encoder."""
    vocabulary = vocabulary_of(_training_set(data).texts)
    return {**model, "text_encoder": {**model["text_encoder"], "vocabulary": vocabulary}}


def count_classes(objective: ClassificationObjective, data: ColorizationData, factor: int, path: Path) -> None:
    """Counts the bins of ab, and the labels, over one epoch of the training set and writes them to ``path`` as JSON.

    ``factor`` is the picture's size divided by that of the logits (:meth:`ClassificationObjective.count`).
    """
    samples = _training_set(data)
    totals: dict[str, Tensor] = {"labels": torch.zeros(0, dtype=torch.long)}
    for start in track(range(0, len(samples), BATCH_SIZE), description="counting colors"):
        batch = collate([samples[i] for i in range(start, min(start + BATCH_SIZE, len(samples)))])
        for name, counts in objective.count(split_lab(batch.float_rgb())[1], batch.labels, factor).items():
            totals[name] = totals[name] + counts if len(totals.get(name, ())) else counts
    content = {"photos": len(samples), "factor": factor} | {name: values.tolist() for name, values in totals.items()}
    write_whole(path, json.dumps(content) + "\n")


def _training_set(data: ColorizationData) -> SampleSet:
    if data.train_set is None:
        raise ValueError("expected a training set, got a data module for evaluation alone; give data.train")
    return data.train_set
