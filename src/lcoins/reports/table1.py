"""Table 1 of the paper from finished runs, beside the figures printed there; what nobody measured is an empty cell."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from lcoins.reports.comparison import WORDS, Comparison, Figure, Measure
from lcoins.reports.load_runs import NOT_IDENTITY, Run

Config = dict[str, Any]  # values by dotted path, as in "model.image_size"
SYSTEMS = {"LCoDe": "L-CoDe", "LCoDer": "L-CoDer", "LCoIns": "L-CoIns"}  # classes that the paper spells otherwise
PSNR, SSIM = Measure("PSNR, dB", "psnr", +1, 3), Measure("SSIM", "ssim", +1, 5)  # with as many digits as the paper
LPIPS = [Measure(f"LPIPS {net}", f"lpips_{net}", -1, 3) for net in ("alex", "vgg", "squeeze")]
PRINTED = {m: replace(m, title=f"paper: {m.title.removesuffix(' alex')}") for m in (PSNR, SSIM, LPIPS[0])}
# What a run's config must hold, and what says only where and how it ran: there runs of one system may differ.
NEEDED = ("seed", "model._target_", "model.image_size", "data._target_", "recipe.epochs")
ELSEWHERE = tuple(f"{place}." for place in ("name", *NOT_IDENTITY))
MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*<>[]|&"})
SIGNS = str.maketrans({"±": r"$\pm$", "\N{MINUS SIGN}": "$-$", "↑": r"$\uparrow$", "↓": r"$\downarrow$"})
LATEX = SIGNS | str.maketrans(
    {sign: f"\\{sign}" for sign in "{}$&#%_"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)


@dataclass(frozen=True)
class Row:
    """A line: its label, the system whose printed figures stand in it, and its runs, which differ in seed alone."""

    label: str
    system: str
    runs: Sequence[tuple[Run, Config]] = ()


class Table1:
    """Rows in ``blocks`` (comparison, ablation, others), measures by test set (``groups``), and the notes under them.

    Raises ValueError where runs were tested on different pairs of one set, or where one config comes twice with a seed.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.paper = cast(Any, OmegaConf.to_container(OmegaConf.load(Path(__file__).with_name("paper_table1.yaml"))))
        self.printed = self.paper["comparison"] | self.paper["ablation"]
        found = _rows(runs, self.paper)
        blocks = [list(self.paper["comparison"]), list(self.paper["ablation"]), sorted(found.keys() - self.printed)]
        self.blocks = [[row for name in names for row in found.get(name, [Row(name, name)])] for names in blocks]
        self.rows = [row for block in self.blocks for row in block]
        self.measured = [row for row in self.rows if row.runs]
        self.comparison = Comparison([replace(run, variant=row.label) for row in self.measured for run, _ in row.runs])
        self.names = self.paper["sets"] | {t: self.paper["sets"].get(t, t) for t in self.comparison.sets}
        self.groups = {title: self._measures(title) for title in self.names}
        self.columns = [(title, measure) for title, measures in self.groups.items() for measure in measures]

    def _measures(self, title: str) -> list[Measure]:
        """LPIPS is that of alex; of a row that lacks it, that of the next net, in a column of its own."""
        paired = title in self.paper["sets"]
        nets = {next((m for m in LPIPS if self.figure(row, title, m)), None) for row in self.measured} - {None}
        lpips = [m for m in LPIPS if m in nets or (m is LPIPS[0] and (paired or not nets))]
        words = [WORDS] if any(self.figure(row, title, WORDS) for row in self.measured) else []
        return [m for own in (PSNR, SSIM, *lpips, *words) for m in (own, PRINTED.get(own))[: 1 + paired] if m]

    def figure(self, row: Row, title: str, measure: Measure) -> Figure | None:
        """Mean over pairs, then over seeds, with the deviation over them (ddof 1); None where it was not measured."""
        return self.comparison.figure(title, measure, row.label) if row.runs else None

    def cell(self, row: Row, title: str, measure: Measure, italic: str = "{}") -> str:
        """Plain text, "22.050 ± 0.100" of several seeds, a printed figure put into ``italic``; "" of none."""
        if measure in PRINTED.values():
            value = self.printed.get(row.system, {}).get(title, {}).get(measure.column.partition("_")[0])
            return "" if value is None else italic.format(measure.text(value))
        figure = self.figure(row, title, measure)
        values = [figure.mean, figure.deviation] if figure else []
        return " ± ".join(measure.text(value) for value in values if value is not None)

    def notes(self) -> list[str]:
        """Whose figures these are, by which protocol they were measured, and from what each row was trained."""
        ours = "All others are measured here: mean over pairs (words right: over instances), ± deviation over seeds."
        trained = [f"{row.label}: {_training([config for _, config in row.runs])}." for row in self.measured]
        return [self.paper["note"], ours, *self._protocols(), *trained]

    def _protocols(self) -> Iterator[str]:
        """Pairs and size of each test set, and the definitions; rows are named where they do not all share them."""
        found: dict[str, dict[str, None]] = {}
        for label, run in ((row.label, run) for row in self.measured for run, _ in row.runs):
            for title, settings in run.settings.items():
                size = " by ".join(map(str, settings.get("size", ["unknown"])))
                told = f"{self.names[title]}: {len(run.pairs[title]):,} pairs of {size} px"
                for line in (told, _protocol(settings)):
                    found.setdefault(line, {})[label] = None
        for line, labels in sorted(found.items(), key=lambda item: item[0].startswith("Protocol")):
            yield line + ("." if len(labels) == len(self.measured) else f" (rows: {', '.join(labels)}).")


def markdown(table: Table1) -> str:
    """One table and its notes. Names are escaped: run folders hold "|"."""
    headings = [f"{table.names[title].translate(MARKDOWN)}<br>{measure.heading}" for title, measure in table.columns]
    lines = [f"| {' | '.join(['system', *headings])} |", "|---|" + "---:|" * len(headings)]
    for row in table.rows:
        cells = [table.cell(row, *column, italic="*{}*") for column in table.columns]
        lines.append(f"| {' | '.join([row.label.translate(MARKDOWN), *cells])} |")
    notes = [f"- {note.translate(MARKDOWN)}" for note in table.notes()]
    return "\n".join(["# Systems and ablations", "", *lines, "", *notes, ""])


def latex(table: Table1) -> str:
    """A ``table*`` in booktabs: two test sets side by side as in the paper, any others below, notes under them."""
    titles = list(table.groups)
    tabulars = [_tabular(table, titles[place : place + 2]) for place in range(0, len(titles), 2)]
    notes = [rf"{note.translate(LATEX)}\par" for note in table.notes()]
    head = [r"% needs \usepackage{booktabs,graphicx}", r"\begin{table*}", r"\caption{Systems and ablations.}"]
    return "\n".join([*head, r"\centering\footnotesize", *tabulars, r"\raggedright", *notes, r"\end{table*}", ""])


def _tabular(table: Table1, titles: Sequence[str]) -> str:
    """A group of columns per test set, a block of rows per kind; shrunk only where it is wider than the text."""
    columns = [(title, measure) for title in titles for measure in table.groups[title]]
    ends = list(accumulate((len(table.groups[title]) for title in titles), initial=1))
    spans = [
        rf"\multicolumn{{{len(table.groups[title])}}}{{c}}{{{table.names[title].translate(LATEX)}}}" for title in titles
    ]
    lines = [
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        rf" & {' & '.join(spans)} \\",
        *(rf"\cmidrule(lr){{{start + 1}-{end}}}" for start, end in pairwise(ends)),
        rf"System & {' & '.join(measure.heading.translate(LATEX) for _, measure in columns)} \\",
    ]
    for block in filter(None, table.blocks):
        lines.append(r"\midrule")
        for row in block:
            cells = [table.cell(row, *column, italic=r"\textit{{{}}}") for column in columns]
            lines.append(rf"{row.label.translate(LATEX)} & {' & '.join(cells)} \\".translate(SIGNS))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}\par\medskip"])


def comma_separated(table: Table1) -> str:
    """One line per row, test set and metric, to six places; words right in percent; empty where not measured."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "test_set", "metric", "mean", "std", "seeds", "pairs", "paper"])
    ours = [(title, measure) for title, measure in table.columns if measure not in PRINTED.values()]
    for row, (title, measure) in ((row, column) for row in table.rows for column in ours):
        name, scale = ("words_right_percent", 100) if measure is WORDS else (measure.column, 1)
        figures: list[Any] = [""] * 4
        if figure := table.figure(row, title, measure):
            spread = "" if figure.deviation is None else round(scale * figure.deviation, 6)
            figures = [round(scale * figure.mean, 6), spread, len(figure.values), len(row.runs[0][0].pairs[title])]
        paper = table.cell(row, title, PRINTED[measure]) if measure in PRINTED else ""
        writer.writerow([row.label, title, name, *figures, paper])
    return text.getvalue()


WRITERS: dict[str, Callable[[Table1], str]] = {".md": markdown, ".tex": latex, ".csv": comma_separated}


def _rows(runs: Sequence[Run], paper: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Rows by system: runs whose configs differ in more than the seed are never averaged, but told apart by name."""
    found: dict[str, list[list[tuple[Run, Config]]]] = {}
    for run in runs:
        config = _config(run.folder / "config.yaml")
        variants = found.setdefault(_system(config, paper), [])
        same = next((variant for variant in variants if _same(variant[0][1], config)), None)
        if same is None:
            variants.append(same := [])
        if twice := [other.folder for other, its in same if its["seed"] == config["seed"]]:
            raise ValueError(
                f"expected one run of a config and seed, got {twice[0]} and {run.folder}, which would "
                f"count as two seeds; give only one of them"
            )
        same.append((run, config))
    return {
        system: [Row(_label(system, own, variants), system, own) for own in variants]
        for system, variants in found.items()
    }


def _label(system: str, own: Sequence[tuple[Run, Config]], variants: Sequence[Sequence[tuple[Run, Config]]]) -> str:
    """The system alone, or with the variant's name; with its folder where find_runs calls two of them the same."""
    run, names = own[0][0], [variant[0][0].variant for variant in variants]
    told = run.variant if names.count(run.variant) == 1 else run.folder
    return system if len(variants) == 1 else f"{system} ({told})"


def _config(path: Path) -> Config:
    config = dict(_leaves(OmegaConf.to_container(OmegaConf.load(path), resolve=True)))
    if missing := [key for key in NEEDED if key not in config]:
        raise ValueError(
            f"expected the config of a run in {path}, but it lacks {', '.join(missing)}; "
            f"give folders of runs that `lcoins train` finished"
        )
    return config


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a nested config by its dotted path; an empty list or dictionary is a value."""
    if isinstance(value, (dict, list)) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{at}.{key}" if at else str(key))
    else:
        yield at, value


def _same(one: Config, other: Config) -> bool:
    """Whether two configs differ in nothing but their seed, wherever it stands, and their circumstances."""
    paths = [path for path in one.keys() | other.keys() if not f"{path}.".startswith(ELSEWHERE)]
    found = [(path.endswith("seed"), one.get(path), other.get(path)) for path in paths]
    return all(a == b or (is_seed and (a, b) == (one["seed"], other["seed"])) for is_seed, a, b in found)


def _system(config: Config, paper: Mapping[str, Any]) -> str:
    """The paper's name of what a config trains; "L-CoIns w/o LA, w/o CL" of what the paper's table does not have."""
    kind = config["model._target_"].rpartition(".")[2]
    if kind != "LCoIns":
        return SYSTEMS.get(kind, kind)
    augmentation, parts = _augmentation(config), []
    if config.get("model.transformer.n_groups") == 0:  # attention must then be joint: it is no difference of its own
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
    """The augmentation and what it is made with: "LuminanceAugmentation of hue 180, gamma 5"."""
    at = "augmentation."
    own = {path.removeprefix(at): value for path, value in config.items() if path.startswith(at)}
    kind = str(own.pop("_target_", None)).rpartition(".")[2]
    return f"{kind} of {', '.join(f'{name} {value:g}' for name, value in own.items())}"


def _training(configs: Sequence[Config]) -> str:
    """What a row was trained from: weights of its parts, size, data, seeds and epochs."""
    config = configs[0]
    inits = [
        f"{path.removeprefix('model.').removesuffix('.init')} {'none' if value is None else value}"
        for path, value in config.items()
        if path.startswith("model.") and path.endswith(".init")
    ]
    roots = [path.removesuffix(".root") for path in config if re.fullmatch(r"data\.train(_also\.\d+)?\.root", path)]
    lists = [f"{config[f'{at}.root']} with {Path(str(config.get(f'{at}.captions'))).name}" for at in roots]
    source = " and ".join(lists) or f"{config.get('data.train._target_')}, {config.get('data.train.length')} an epoch"
    seeds = ", ".join(map(str, sorted(c["seed"] for c in configs)))
    epochs = " or ".join(sorted({str(c.get("trainer.max_epochs", c["recipe.epochs"])) for c in configs}))
    return (
        f"weights {', '.join(inits) or 'not named'}; {config['model.image_size']} px; {config['data._target_']} "
        f"({source}); {_augmentation(config)}; seeds {seeds}; epochs {epochs}"
    )


def _protocol(settings: Mapping[str, Any]) -> str:
    """The definitions of an evaluation in words; evaluations with the same words are comparable."""
    nets = [
        f"{net} {its['version']} ({its['file']}, sha256 {its['sha256'][:8]})"
        for net, its in (settings.get("lpips") or {}).items()
    ]
    told = {**settings, "lpips": f"{', '.join(nets)}, {settings.get('lpips_input')}" if nets else "not computed"}
    names = {"reference": "reference", "quantization": "quantization", "psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS"}
    return "Protocol: " + "; ".join(f"{name}: {told.get(key, 'not stated')}" for key, name in names.items())
