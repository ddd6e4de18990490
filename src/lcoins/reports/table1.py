"""Table 1 of the paper from finished runs, beside the figures printed there; cells without a figure are empty."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from lcoins.reports.comparison import Comparison, Estimate
from lcoins.reports.load_runs import Run
from lcoins.reports.metrics import LPIPS, WORDS, Metric
from lcoins.reports.obedience_table import obedience_tables
from lcoins.training.run_folder import NOT_IDENTITY, read_run_config
from lcoins.wording import counted

Config = dict[str, Any]  # values by dotted path, as in "model.image_size"
SYSTEMS = {
    "LCoDe": "L-CoDe",
    "LCoDer": "L-CoDer",
    "LCoIns": "L-CoIns",
}  # classes whose system the paper spells otherwise
PSNR, SSIM = Metric("PSNR, dB", "psnr", +1, 3), Metric("SSIM", "ssim", +1, 5)  # digits as in the paper
PRINTED = {m: replace(m, title=f"paper: {m.title.removesuffix(' alex')}") for m in (PSNR, SSIM, LPIPS[0])}
# Keys that the config of a run must have, and parts in which runs of one row may differ: where and how they ran.
REQUIRED = ("seed", "model._target_", "model.image_size", "data._target_", "recipe.epochs")
MAY_DIFFER = tuple(f"{part}." for part in ("name", *NOT_IDENTITY))


@dataclass(frozen=True)
class SystemRow:
    """One row: its label, the system whose printed figures it shows, and its runs, which differ in their seed only."""

    label: str
    system: str
    runs: Sequence[tuple[Run, Config]] = ()


class Table1:
    """Rows in ``blocks`` (comparison, ablation, others), metrics by test set (``metrics``), and the notes under them.

    ``obedience`` are tables of their own, of runs that were asked for things of photos in colors; not the paper's.

    Raises ValueError if runs were tested on different pairs of one set, or if a config occurs twice with one seed.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.paper = cast(Any, OmegaConf.to_container(OmegaConf.load(Path(__file__).with_name("paper_table1.yaml"))))
        self.printed = self.paper["comparison"] | self.paper["ablation"]
        rows = _rows(runs, self.paper)
        blocks = [list(self.paper["comparison"]), list(self.paper["ablation"]), sorted(rows.keys() - self.printed)]
        self.blocks = [[row for name in names for row in rows.get(name, [SystemRow(name, name)])] for names in blocks]
        self.rows = [row for block in self.blocks for row in block]
        self.measured = [row for row in self.rows if row.runs]
        self.comparison = Comparison([replace(run, variant=row.label) for row in self.measured for run, _ in row.runs])
        self.names = self.paper["sets"] | {t: self.paper["sets"].get(t, t) for t in self.comparison.sets}
        self.metrics = {title: self._metrics(title) for title in self.names}
        self.obedience = obedience_tables({row.label: [run for run, _ in row.runs] for row in self.measured})
        self.columns = [(title, metric) for title, metrics in self.metrics.items() for metric in metrics]

    def _metrics(self, title: str) -> list[Metric]:
        """PSNR, SSIM, LPIPS alex and words right; for a row without alex, the first net that it has gets a column."""
        paired = title in self.paper["sets"]
        nets = {next((m for m in LPIPS if self.estimate(row, title, m)), None) for row in self.measured} - {None}
        lpips = [m for m in LPIPS if m in nets or (m is LPIPS[0] and (paired or not nets))]
        words = [WORDS] if any(self.estimate(row, title, WORDS) for row in self.measured) else []
        return [
            m for measured in (PSNR, SSIM, *lpips, *words) for m in (measured, PRINTED.get(measured))[: 1 + paired] if m
        ]

    def estimate(self, row: SystemRow, title: str, metric: Metric) -> Estimate | None:
        """Mean over pairs, then over seeds, with the deviation over seeds (ddof 1); None if it was not measured."""
        return self.comparison.estimate(title, metric, row.label) if row.runs else None

    def cell(self, row: SystemRow, title: str, metric: Metric, italic: str = "{}") -> str:
        """A cell as plain text, such as "22.050 ± 0.100"; a figure from the paper is put into ``italic``.

        The deviation appears with several seeds only; without a figure the cell is "".
        """
        if metric in PRINTED.values():
            value = self.printed.get(row.system, {}).get(title, {}).get(metric.column.partition("_")[0])
            return "" if value is None else italic.format(metric.text(value))
        estimate = self.estimate(row, title, metric)
        values = [estimate.mean, estimate.deviation] if estimate else []
        return " ± ".join(metric.text(value) for value in values if value is not None)

    def notes(self) -> list[str]:
        """Where the figures come from, the protocol of the measured ones, and what each row was trained from."""
        measured = "All others are measured: mean over pairs (words right: over instances) ± deviation over seeds."
        trained = [f"{row.label}: {_training([config for _, config in row.runs])}." for row in self.measured]
        left_out = [
            f"{self.names[title]}, {note}" for title in self.comparison.sets for note in self.comparison.notes(title)
        ]
        return [self.paper["note"], measured, *self._protocols(), *left_out, *trained]

    def _protocols(self) -> Iterator[str]:
        """Pairs and size of each test set, and the protocol; rows are named if a line does not hold for all."""
        labels_by_line: dict[str, dict[str, None]] = {}
        for label, run in ((row.label, run) for row in self.measured for run, _ in row.runs):
            for title, settings in run.settings.items():
                size = " by ".join(map(str, settings.get("size", ["unknown"])))
                pairs = f"{self.names[title]}: {counted(len(run.pairs[title]), 'pair')} of {size} px"
                for line in (pairs, _protocol(settings)):
                    labels_by_line.setdefault(line, {})[label] = None
        for line, labels in sorted(labels_by_line.items(), key=lambda item: item[0].startswith("Protocol")):
            yield line + ("." if len(labels) == len(self.measured) else f" (rows: {', '.join(labels)}).")


def _rows(runs: Sequence[Run], paper: Mapping[str, Any]) -> dict[str, list[SystemRow]]:
    """Rows by system; runs whose configs differ in more than the seed are not averaged but get rows of their own."""
    variants_by_system: dict[str, list[list[tuple[Run, Config]]]] = {}
    for run in runs:
        config = _config(run.folder / "config.yaml")
        variants = variants_by_system.setdefault(_system(config, paper), [])
        same = next((variant for variant in variants if _same(variant[0][1], config)), None)
        if same is None:
            variants.append(same := [])
        if twice := [other.folder for other, other_config in same if other_config["seed"] == config["seed"]]:
            raise ValueError(
                f"expected one run of a config and seed, got {twice[0]} and {run.folder}, which would "
                f"count as two seeds; give only one of them"
            )
        same.append((run, config))
    return {
        system: [SystemRow(_label(system, variant, variants), system, variant) for variant in variants]
        for system, variants in variants_by_system.items()
    }


def _label(system: str, variant: Sequence[tuple[Run, Config]], variants: Sequence[Sequence[tuple[Run, Config]]]) -> str:
    """The system's name; with several variants also the variant's, or the folder if two variants have one name."""
    run, names = variant[0][0], [other[0][0].variant for other in variants]
    distinction = run.variant if names.count(run.variant) == 1 else run.folder
    return system if len(variants) == 1 else f"{system} ({distinction})"


def _config(path: Path) -> Config:
    config = dict(_leaves(read_run_config(path.parent)))
    if missing := [key for key in REQUIRED if key not in config]:
        raise ValueError(
            f"expected the config of a run in {path}, but it lacks {', '.join(missing)}; "
            f"give the folders of runs that `lcoins train` has finished"
        )
    return config


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a nested config by its dotted path; an empty list or dictionary counts as a value."""
    if isinstance(value, (dict, list)) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{at}.{key}" if at else str(key))
    else:
        yield at, value


def _same(one: Config, other: Config) -> bool:
    """Whether two configs differ only in their seed, wherever it occurs, and in the parts of MAY_DIFFER."""
    paths = [path for path in one.keys() | other.keys() if not f"{path}.".startswith(MAY_DIFFER)]
    values = [(path.endswith("seed"), one.get(path), other.get(path)) for path in paths]
    return all(a == b or (is_seed and (a, b) == (one["seed"], other["seed"])) for is_seed, a, b in values)


def _system(config: Config, paper: Mapping[str, Any]) -> str:
    """The paper's name of the system of a config, or such as "L-CoIns w/o LA, w/o CL" if the paper has no such row."""
    kind = config["model._target_"].rpartition(".")[2]
    if kind != "LCoIns":
        return SYSTEMS.get(kind, kind)
    augmentation, parts = _augmentation(config), []
    if config.get("model.transformer.n_groups") == 0:  # which implies joint attention, so w/o GA is not added
        parts.append("w/o GE")
    elif config.get("model.transformer.attention") == "joint":
        parts.append("w/o GA")
    if augmentation == "LuminanceAugmentation of hue 0, gamma 1":
        parts.append("w/o LA")
    elif augmentation != paper["luminance_augmentation"]:
        parts.append(f"with {augmentation}")
    if "model.shared_space" in config or config.get("objective.beta") == 0:
        parts.append("w/o CL")
    return parts[0] if parts in [[name] for name in paper["ablation"]] else f"L-CoIns {', '.join(parts)}".strip()


def _augmentation(config: Config) -> str:
    """The augmentation with its arguments, such as "LuminanceAugmentation of hue 180, gamma 5"."""
    prefix = "augmentation."
    arguments = {path.removeprefix(prefix): value for path, value in config.items() if path.startswith(prefix)}
    kind = str(arguments.pop("_target_", None)).rpartition(".")[2]
    return f"{kind} of {', '.join(f'{name} {value:g}' for name, value in arguments.items())}"


def _training(configs: Sequence[Config]) -> str:
    """What a row was trained from: initial weights of its parts, image size, data, seeds and epochs."""
    config = configs[0]
    inits = [
        f"{path.removeprefix('model.').removesuffix('.init')} {'none' if value is None else value}"
        for path, value in config.items()
        if path.startswith("model.") and path.endswith(".init")
    ]
    roots = [path.removesuffix(".root") for path in config if re.fullmatch(r"data\.train(_also\.\d+)?\.root", path)]
    lists = [f"{config[f'{at}.root']} with {Path(str(config.get(f'{at}.captions'))).name}" for at in roots]
    source = " and ".join(lists) or f"{config.get('data.train.length')} an epoch"
    seeds = ", ".join(map(str, sorted(c["seed"] for c in configs)))
    epochs = " or ".join(sorted({str(c.get("trainer.max_epochs", c["recipe.epochs"])) for c in configs}))
    return (
        f"weights {', '.join(inits) or 'not named'}; {config['model.image_size']} px; {config['data._target_']} "
        f"({source}); {_augmentation(config)}; seeds {seeds}; epochs {epochs}"
    )


def _protocol(settings: Mapping[str, Any]) -> str:
    """The protocol of an evaluation in words; evaluations with the same words are comparable."""
    nets = [
        f"{net} {weights['version']} ({weights['file']}, sha256 {weights['sha256'][:8]})"
        for net, weights in (settings.get("lpips") or {}).items()
    ]
    stated = {**settings, "lpips": f"{', '.join(nets)}, {settings.get('lpips_input')}" if nets else "not computed"}
    names = {"reference": "reference", "quantization": "quantization", "psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS"}
    return "Protocol: " + "; ".join(f"{name}: {stated.get(key, 'not stated')}" for key, name in names.items())
