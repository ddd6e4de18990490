"""The folders that train and eval write into: named from what was given, and no figures of other weights replaced."""

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

from lcoins.cli.overrides import folder_name
from lcoins.cli.trained_source import OF_RUN, finished_near, trained_system, without_tests
from lcoins.evaluation.obedience_benchmark import TITLE as OBEDIENCE
from lcoins.models.checkpoint import INDEX, read_index, run_of, weights_digest

LONGEST_LABEL, LONGEST_NAME = 100, 200  # bytes; a file system takes 255
WEIGHTS = "weights.json"  # the name and SHA-256 of what was evaluated by the paper's protocol


def label(overrides: str, name: str = "runs", global_batch: int | None = None) -> str:
    """A folder name for the overrides of a run; "default" without any, shortened with a digest when too long.

    ``data`` and ``system`` are left out where the name of the run, which names the folder above, holds them already;
    ``data.batch_size`` is where there is a global batch, of which it is what one device takes at once.

    >>> label("ablation=no_la,recipe.epochs=3"), label("")
    ('ablation=no_la,recipe.epochs=3', 'default')
    >>> label("seed=1,system=lcode", "scenes-lcode"), label("system=lcode", "ablations")
    ('seed=1', 'system=lcode')
    >>> label("data.batch_size=8,recipe.epochs=3", "runs", 64)
    'recipe.epochs=3'
    """
    expect_inner_folder(name)
    named = "|".join(map(re.escape, re.split("[-/]", name)))
    text = re.sub(rf"(?:^|,)(?:data|system)=(?:{named})(?=,|$)", "", overrides).removeprefix(",")
    if global_batch is not None:
        text = re.sub(r"(?:^|,)data\.batch_size=\d+(?=,|$)", "", text).removeprefix(",")
    text = folder_name(text) or "default"
    if len(text.encode()) > LONGEST_LABEL:
        digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        text = f"{folder_name(text, LONGEST_LABEL)}-{digest}"
    return text


def expect_inner_folder(name: str) -> None:
    """Refuses a name of runs that is not one folder, or folders in folders, below the folder of all runs."""
    parts = str(name).split("/")
    if not all(part.strip() and part not in (".", "..") and part == folder_name(part, LONGEST_NAME) for part in parts):
        raise ValueError(
            f"name={name!r} names no folder below that of all runs; give it up to {LONGEST_NAME} bytes that can be "
            f"printed, without .. or a / at an end, and choose the folder of all runs with runs=..."
        )


def eval_folder(run: str | None, checkpoint: str, overrides: str) -> str:
    """Where an evaluation writes: into the folder of the run, or for another system into eval/ of the current folder.

    Raises ValueError if neither a run nor a package or checkpoint is named, or if a link leads out of the run's folder.

    >>> eval_folder("runs/small/default/seed=0", "best", "data=obedience")
    'runs/small/default/seed=0/eval/data=obedience'
    >>> eval_folder("runs/small/default/seed=0", "last", "data=obedience")
    'runs/small/default/seed=0/eval/checkpoint=last,data=obedience'
    >>> eval_folder(None, "packages/mine", "data=obedience")
    'eval/mine/data=obedience'
    >>> eval_folder(None, "runs/small/default/seed=0/checkpoints/best.ckpt", "data=obedience")
    'eval/small/default/seed=0/data=obedience'
    """
    if run is not None:
        folder = f"{run}/eval/{_chosen(checkpoint, overrides)}"
        expect_no_links(Path(folder))
        return folder
    if checkpoint in OF_RUN:
        raise ValueError(
            "expected a trained system, got neither run nor checkpoint; give run=FOLDER of a run, "
            "checkpoint=builtin for the weights in lcoins, or checkpoint=PATH of a package or a best.ckpt"
        )
    path = Path(checkpoint)
    if path.suffix == ".ckpt" and path.parent.name == "checkpoints":  # of a run, whose others are named alike
        group_variant_seed = "/".join(run_of(path).parts[1:][-3:])
        return f"eval/{group_variant_seed}/{_chosen(path.stem, overrides)}"
    return f"eval/{path.name.removesuffix('.ckpt')}/{label(overrides)}"


def _chosen(checkpoint: str, overrides: str) -> str:
    """The label of the overrides of an evaluation and of the checkpoint, unless that is the best one of a run."""
    chosen = [] if checkpoint == "best" else [f"checkpoint={checkpoint}"]
    return label(",".join([*chosen, overrides] if overrides else chosen))


def with_checkpoint(output: str, run: str | None, checkpoint: str, data: str | None = None) -> str:
    """The folder ``output`` of an evaluation, if there is something to evaluate and nothing of others to replace.

    Hydra asks before it makes the folder, so that nothing is left or changed otherwise. Raises FileNotFoundError where
    the run lacks the checkpoint, with finished runs beside or below the nearest folder that exists; FileExistsError
    where a folder outside of the run holds the figures of other weights; and ValueError if ``run`` is a checkpoint, or
    if no ``data`` is chosen for a package without test sets of its own.
    """
    if run is not None and Path(run).is_file():
        raise ValueError(f"{run} is a checkpoint, not the folder of a run; give it as checkpoint={run}")
    source = trained_system(run, checkpoint)
    if data is None and (source / INDEX).is_file() and not (read_index(source).get("data") or {}).get("tests"):
        raise ValueError(without_tests(source))
    if run is not None and checkpoint in OF_RUN and not source.exists():
        near = finished_near(Path(run))
        others = f"; finished runs near it: {', '.join(map(str, near))}" if near else ""
        raise FileNotFoundError(f"no checkpoint at {source}; train one with `lcoins train`, or give its path{others}")
    if run is None or not Path(output).is_relative_to(run):
        expect_same_weights(Path(output), source)
    return output


def expect_same_weights(folder: Path, source: Path) -> None:
    """Refuses a folder that holds the figures of weights other than those of a package or checkpoint, or of unknown."""
    if not any((folder / name).exists() for name in ("metrics.json", WEIGHTS, f"{OBEDIENCE}.json")):
        return
    with suppress(FileNotFoundError):  # which is said when the weights are loaded
        digest = weights_digest(source)
        if any(recorded != digest for recorded in _recorded_weights(folder)):
            raise FileExistsError(
                f"{folder} holds the figures of other weights than those of {source}, or does not say of which; choose "
                f"another folder with output=..., or remove that one"
            )


def _recorded_weights(folder: Path) -> list[str | None]:
    """The SHA-256 of the weights that each result in a folder is of; None where it does not say."""
    found: list[str | None] = []
    if (folder / WEIGHTS).exists() or (folder / "metrics.json").exists():
        found.append(_read(folder / WEIGHTS, "sha256"))
    if (folder / f"{OBEDIENCE}.json").exists():
        found.append(_read(folder / f"{OBEDIENCE}.json", "settings", "weights", "sha256"))
    return found


def _read(path: Path, *keys: str) -> str | None:
    """A text in a JSON file; None where it has none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        for key in keys:
            value = value[key]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def expect_no_links(folder: Path) -> None:
    """Refuses to write into a folder of a received run that is a link, lies in one or holds one."""
    for path in (folder.parent, folder, *folder.rglob("*")):
        if path.is_symlink():
            raise ValueError(
                f"{path} is a link, by which this evaluation would write elsewhere; remove it, or choose a folder with "
                f"output=..."
            )
