"""Weights that a training begins with: those of another run or package, or those of its own checkpoint.

Equal shapes do not make equal models: the words of a vocabulary have their places, and some options of a model decide
what the same tensors compute.
"""

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from lcoins.models.build import model_class, state_dict_mismatches
from lcoins.models.checkpoint import load_trained
from lcoins.models.colorizer import Colorizer
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.wording import counted

MEANING = ("heads", "num_attention_heads", "stages")  # with others, trained weights are no better than random ones
# Where the weights come from, how they are trained, and words, which are carried over one by one.
NO_DIFFERENCE = ("init", "freeze", "dropout", "drop_path", "vocabulary")
Difference = tuple[str, Any, Any]  # the dotted path of an option, its value in this model, and in that of the weights

console = Console()


def load_start_weights(
    colorizer: Colorizer, model: Mapping[str, Any], source: Path, new_parts: Sequence[str] = ()
) -> None:
    """Loads the weights of a package or a checkpoint into a colorizer of the same shape.

    Parts that only a training loss needs keep their random start if a package lacks them, and so do ``new_parts``, the
    beginnings of parameters' names. The grounding of a package is left out where this model has none. Embeddings are
    carried over word by word; words that the source does not know keep their start. What else differs is printed.

    Args:
        colorizer: receives the weights.
        model: its plain config.
        source: a package of ``lcoins export`` or a checkpoint.
        new_parts: beginnings of the names of parameters that the source lacks.

    Raises ValueError with the differences if the weights do not fit, or mean nothing in this model.
    """
    trained, config = load_trained(source)
    given, expected = trained.state_dict(), colorizer.state_dict()
    grounding = [name for name in given if name.startswith("grounding.")]
    left_out = bool(grounding) and not any(name.startswith("grounding.") for name in expected)
    if left_out:
        given = {name: value for name, value in given.items() if name not in grounding}
        console.print(f"start_from={source}: its grounding is left out, for this model has none", markup=False)
    fresh = (*colorizer.training_parts, *new_parts, *(["grounding"] if left_out else []))
    differences = [one for one in model_differences(model, config["model"]) if not f"{one[0]}.".startswith(fresh)]
    _refuse_other_meaning(differences, source)
    for name, known, of in _carried_words(colorizer, trained):
        given[name] = known
        console.print(f"start_from={source}: {of}", markup=False, highlight=False, soft_wrap=True)
    optional = {name: None for name in expected if name.startswith((*colorizer.training_parts, *new_parts))}
    mismatches = state_dict_mismatches(expected, {**optional, **given})
    if mismatches:
        shown = "\n  ".join(mismatches[:20])
        raise ValueError(
            f"start_from={source} does not fit this model, {len(mismatches)} differences:\n  {shown}\n"
            f"Take the model, image size and ablation that it was trained with."
        )
    if differences:
        shown = ", ".join(f"{path} {here}, there {there}" for path, here, there in differences)
        text = f"start_from={source}: its weights were trained in another model; here {shown}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    colorizer.load_state_dict(given, strict=False)


def _refuse_other_meaning(differences: Sequence[Difference], source: Path) -> None:
    for path, here, there in differences:
        if path.rpartition(".")[2] in MEANING and there is not None:
            raise ValueError(
                f"start_from={source} was trained with model.{path}={there}, and this model has {here}: the same "
                f"tensors would compute something else; set model.{path}={there}, or take other weights"
            )


def model_differences(here: Any, there: Any, path: str = "") -> Iterator[Difference]:
    """The options in which two plain model configs differ, except for NO_DIFFERENCE; defaults count as given.

    A part that only one of them has, or that is of another class, is one difference, shown by its class.
    """
    both = isinstance(here, Mapping) and isinstance(there, Mapping)
    if both and here.get("_target_") == there.get("_target_"):
        here, there = _with_defaults(here), _with_defaults(there)
        for key in dict.fromkeys([*here, *there]):
            if key not in NO_DIFFERENCE:
                yield from model_differences(here.get(key), there.get(key), f"{path}.{key}".lstrip("."))
    elif (one := _shown(here)) != (other := _shown(there)):
        yield path, one, other


def _with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    if "_target_" not in config:
        return dict(config)
    known = signature(model_class(config["_target_"])).parameters.values()
    return {one.name: one.default for one in known if one.default is not Parameter.empty} | dict(config)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return str(value.get("_target_", dict(value))).rpartition(".")[2]
    return list(value) if isinstance(value, list | tuple) else value


def _carried_words(colorizer: nn.Module, trained: nn.Module) -> Iterator[tuple[str, Tensor, str]]:
    """Embeddings of words that another model has in other places: their name, their values here, and a sentence."""
    parts = dict(trained.named_modules())
    for path, part in colorizer.named_modules():
        other = parts.get(path)
        if not isinstance(part, BiLSTMEncoder) or not isinstance(other, BiLSTMEncoder):
            continue
        ids, ids_there = part.tokenize.ids, other.tokenize.ids
        here, there = part.embeddings.weight.detach().clone(), other.embeddings.weight.detach()
        if ids == ids_there or here.shape[1] != there.shape[1]:
            continue
        shared = [word for word in ids if word in ids_there]
        here[[ids[word] for word in shared]] = there[[ids_there[word] for word in shared]].to(here)
        unknown = len(ids) - len(shared)
        yield (
            f"{path}.embeddings.weight",
            here,
            f"its vocabulary is another; {counted(len(shared), 'word')} are carried over, and "
            f"{counted(unknown, 'word')} that it lacks keep their start",
        )


def expect_same_words(checkpoint: Path, model: Mapping[str, Any]) -> None:
    """Refuses to go on from a checkpoint with another vocabulary: its embeddings are those of other words.

    Args:
        checkpoint: a checkpoint of the run itself.
        model: the plain model config of the run as it starts now.
    """
    words = (model.get("text_encoder") or {}).get("vocabulary")
    if words is None:
        return
    config = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["config"]
    before = config["model"]["text_encoder"]["vocabulary"]
    if before != words:
        changed = sorted(set(before) ^ set(words))
        shown = f"{', '.join(changed[:5])}{' ...' if len(changed) > 5 else ''}" if changed else "their order"
        raise ValueError(
            f"{checkpoint} was trained with {counted(len(before), 'word')} of the training captions, which have "
            f"{counted(len(words), 'word')} now (they differ in {shown}); put the captions back as they were, or begin "
            f"another run from its weights: name=... start_from={checkpoint}"
        )
