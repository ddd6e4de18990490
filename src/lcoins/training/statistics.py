"""What a system must know of its training set before it is built: the words of its captions, and its colors."""

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

PHOTOS_AT_ONCE = 32


def with_vocabulary(model: Mapping[str, Any], data: ColorizationData) -> dict[str, Any]:
    """The plain model config with the words of the training captions, where its text encoder asks for a vocabulary."""
    text = model["text_encoder"]
    if "vocabulary" not in text or text["vocabulary"] is not None:
        return dict(model)
    return {**model, "text_encoder": {**text, "vocabulary": vocabulary_of(_training_set(data).texts)}}


def count_classes(objective: ClassificationObjective, data: ColorizationData, factor: int, path: Path) -> None:
    """Counts the bins of ab, and the labels, over one epoch of the training set and writes them to ``path``.

    ``factor`` is by how much the logits are smaller than the picture, as :meth:`ClassificationObjective.count` has it.
    """
    samples = _training_set(data)
    totals: dict[str, Tensor] = {"labels": torch.zeros(0, dtype=torch.long)}
    for start in track(range(0, len(samples), PHOTOS_AT_ONCE), description="counting colors"):
        batch = collate([samples[i] for i in range(start, min(start + PHOTOS_AT_ONCE, len(samples)))])
        for name, counts in objective.count(split_lab(batch.float_rgb())[1], batch.labels, factor).items():
            totals[name] = totals[name] + counts if len(totals.get(name, ())) else counts
    content = {"photos": len(samples), "factor": factor} | {name: values.tolist() for name, values in totals.items()}
    write_whole(path, json.dumps(content) + "\n")


def _training_set(data: ColorizationData) -> SampleSet:
    if data.train_set is None:
        raise ValueError("this needs a training set; the data module was made for evaluation")
    return data.train_set
