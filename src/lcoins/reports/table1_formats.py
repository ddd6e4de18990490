"""Writes Table 1 as Markdown, LaTeX and comma-separated values."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from lcoins.reports.markdown import escaped
from lcoins.reports.metrics import WORDS
from lcoins.reports.table1 import PRINTED, Table1

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


def markdown(table: Table1) -> str:
    """The table and its notes as Markdown; names are escaped, since the names of run folders may have "|"."""
    headings = [f"{escaped(table.names[title])}<br>{metric.heading}" for title, metric in table.columns]
    lines = [f"| {' | '.join(['system', *headings])} |", "|---|" + "---:|" * len(headings)]
    for row in table.rows:
        cells = [table.cell(row, *column, italic="*{}*") for column in table.columns]
        lines.append(f"| {' | '.join([escaped(row.label), *cells])} |")
    notes = [f"- {escaped(note)}" for note in table.notes()]
    return "\n".join(["# Systems and ablations", "", *lines, "", *notes, "", *_obedience_lines(table)])


def _obedience_lines(table: Table1) -> Iterator[str]:
    for asked in table.obedience:
        yield from ("# Obedience on photos", "", escaped(asked["caption"]), "")
        yield f"| {' | '.join(['system', *asked['headings']])} |"
        yield "|---|" + "---:|" * len(asked["headings"])
        for row in asked["rows"]:
            cells = [escaped(f"{cell['text']} {cell['gap']}".strip()) for cell in row["cells"]]
            yield f"| {' | '.join([escaped(row['variant']), *cells])} |"
        yield ""


def latex(table: Table1) -> str:
    """A ``table*`` with booktabs: two test sets side by side as in the paper, further ones below, then the notes."""
    titles = list(table.metrics)
    tabulars = [_tabular(table, titles[start : start + 2]) for start in range(0, len(titles), 2)]
    tabulars += [_obedience_tabular(asked) for asked in table.obedience]
    notes = [rf"{note.translate(LATEX)}\par" for note in table.notes()]
    head = [r"% needs \usepackage{booktabs,graphicx}", r"\begin{table*}", r"\caption{Systems and ablations.}"]
    return "\n".join([*head, r"\centering\footnotesize", *tabulars, r"\raggedright", *notes, r"\end{table*}", ""])


def _tabular(table: Table1, titles: Sequence[str]) -> str:
    """Columns grouped by test set, rows in blocks; the table is shrunk only if it is wider than the text."""
    columns = [(title, metric) for title in titles for metric in table.metrics[title]]
    ends = list(accumulate((len(table.metrics[title]) for title in titles), initial=1))
    spans = [
        rf"\multicolumn{{{len(table.metrics[title])}}}{{c}}{{{table.names[title].translate(LATEX)}}}"
        for title in titles
    ]
    lines = [
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        rf" & {' & '.join(spans)} \\",
        *(rf"\cmidrule(lr){{{start + 1}-{end}}}" for start, end in pairwise(ends)),
        rf"System & {' & '.join(metric.heading.translate(LATEX) for _, metric in columns)} \\",
    ]
    for block in filter(None, table.blocks):
        lines.append(r"\midrule")
        for row in block:
            cells = [table.cell(row, *column, italic=r"\textit{{{}}}") for column in columns]
            lines.append(rf"{row.label.translate(LATEX)} & {' & '.join(cells)} \\".translate(SIGNS))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}\par\medskip"])


def _obedience_tabular(asked: Mapping[str, Any]) -> str:
    """The benchmark of obedience: a line for each system, its figures by task."""
    lines = [
        rf"{asked['caption'].translate(LATEX)}\par",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * len(asked['headings'])}}}",
        r"\toprule",
        rf"System & {' & '.join(heading.translate(LATEX) for heading in asked['headings'])} \\",
        r"\midrule",
    ]
    for row in asked["rows"]:
        cells = [cell["text"].translate(SIGNS) for cell in row["cells"]]
        lines.append(rf"{row['variant'].translate(LATEX)} & {' & '.join(cells)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}\par\medskip"])


def comma_separated(table: Table1) -> str:
    """One line per row, test set and metric, rounded to six digits; words right in percent; empty if not measured."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "test_set", "metric", "mean", "std", "seeds", "pairs", "paper"])
    measured = [(title, metric) for title, metric in table.columns if metric not in PRINTED.values()]
    for row, (title, metric) in ((row, column) for row in table.rows for column in measured):
        name, scale = ("words_right_percent", 100) if metric is WORDS else (metric.column, 1)
        figures: list[Any] = [""] * 4
        if estimate := table.estimate(row, title, metric):
            spread = "" if estimate.deviation is None else round(scale * estimate.deviation, 6)
            figures = [round(scale * estimate.mean, 6), spread, len(estimate.values), len(row.runs[0][0].pairs[title])]
        paper = table.cell(row, title, PRINTED[metric]) if metric in PRINTED else ""
        writer.writerow([row.label, title, name, *figures, paper])
    for asked in table.obedience:
        for line in asked["rows"]:
            for (task, figure), things, cell in zip(asked["columns"], asked["things"], line["cells"], strict=True):
                figures = ["" if cell[one] is None else round(cell[one], 6) for one in ("value", "deviation")]
                writer.writerow([line["variant"], f"obedience {task}", figure, *figures, cell["runs"], things, ""])
    return text.getvalue()


WRITERS: dict[str, Callable[[Table1], str]] = {".md": markdown, ".tex": latex, ".csv": comma_separated}
