"""The result of a study as one page of Markdown, with and without the people who are excluded, and as tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from lcoins.files import write_whole
from lcoins.study.analysis import Analysis, Estimate, analyze
from lcoins.study.ballots import Exclusion, collect, find_exclusions, rule_texts
from lcoins.study.paper_table2 import printed_gaps, printed_table
from lcoins.study.protocol import Protocol
from lcoins.study.result_tables import (
    EstimateRow,
    PaymentRow,
    PersonRow,
    VoteRow,
    estimate_rows,
    payment_row,
    person_row,
    vote_row,
    write_csv,
    write_parquet,
)
from lcoins.study.store import Store

Lines = list[str]


def write_report(store: Store, folder: Path, seed: int = 0) -> list[Path]:
    """Writes ``report.md``, its tables as CSV and Parquet, and the exclusions into the store; gives the paths.

    ``payment.csv`` alone names workers and completion codes: it is for paying people, not for publishing. Raises
    ValueError where nobody has voted.
    """
    protocol, people, rows = store.protocol, store.participants(), store.votes()
    excluded = find_exclusions(protocol, people, rows)
    out = {one.participant for one in excluded}
    everybody = analyze(collect(protocol, rows), seed)
    analyses = {"everybody": everybody}
    if out & {row.participant for row in rows} and any(
        row.kind == "vote" and row.participant not in out for row in rows
    ):
        analyses = {"without excluded people": analyze(collect(protocol, rows, out), seed), **analyses}
    store.write_exclusions([vars(one) for one in excluded])
    answers = Counter(row.participant for row in rows)
    tables: dict[str, tuple[type, Sequence[Any]]] = {
        "estimates": (EstimateRow, [row for name, one in analyses.items() for row in estimate_rows(name, one)]),
        "exclusions": (Exclusion, excluded),
        "votes": (VoteRow, [vote_row(row) for row in rows]),
        "people": (PersonRow, [person_row(one, answers[one.id], out) for one in people]),
    }
    paths = [write_csv(folder / "payment.csv", PaymentRow, [payment_row(one, out) for one in people])]
    for name, (kind, table) in tables.items():
        paths.append(write_csv(folder / f"{name}.csv", kind, table))
        paths.append(write_parquet(folder / f"{name}.parquet", kind, table))
    write_whole(folder / "report.md", "\n".join(_page(protocol, people, rows, excluded, analyses)) + "\n")
    return [folder / "report.md", *paths]


def _page(
    protocol: Protocol,
    people: Sequence[Any],
    rows: Sequence[Any],
    excluded: Sequence[Exclusion],
    analyses: Mapping[str, Analysis],
) -> Lines:
    finished = sum(one.finished is not None for one in people)
    code = ", ".join(f"{name} {value}" for name, value in protocol.code.items() if name != "changed")
    if protocol.code.get("changed"):
        code += " with changes"
    lines = [
        f"# {protocol.title}",
        "",
        f"Question: {protocol.question}, {protocol.mode}. {len(people)} people joined, {finished} finished; "
        f"{len(rows):,} answers, median {median(row.milliseconds for row in rows) / 1000:.1f} s. "
        f"Protocol: seed {protocol.seed}, "
        f"consent text {protocol.consent['version']}, {code}.",
        "",
        "Intervals: 95 %, from a bootstrap over people and images alike. ≈ marks a gap that may be chance. Strengths "
        "have the mean 0, as of Bradley and Terry's model, or among more than two pictures of Plackett and Luce's.",
    ]
    for name, one in analyses.items():
        lines += ["", f"## Result: {name}", "", *_result(one, protocol)]
    lines += ["", "## Exclusions", "", *_exclusions(protocol, excluded, len(people))]
    lines += ["", "## Answers shown twice, and with a known answer", "", *_checks(rows)]
    return [*lines, "", "## Table 2 of the paper", "", *_paper(protocol, next(iter(analyses.values())))]


def _result(one: Analysis, protocol: Protocol) -> Lines:
    what = "chosen where shown" if protocol.mode == "2afc" else "share of the votes"
    steps = {step.better: step for step in one.steps}
    lines = [
        f"{one.votes:,} votes of {one.people} people on {one.images} images.",
        "",
        f"| | {what}, % | strength, log | gap to the next, points | preferred to the next, % |",
        "|---|---|---|---|---|",
    ]
    for name, share in one.shares.items():
        step = steps.get(name)
        mark = " ≈" if step and step.may_be_chance else ""
        gap = _text(step.gap, 100, 1) + mark if step else ""
        preferred = _text(step.preference, 100, 1) if step else ""
        lines.append(f"| {name} | {_text(share, 100, 1)} | {_text(one.strengths[name], 1, 2)} | {gap} | {preferred} |")
    places = ", ".join(_text(share, 100, 1) for share in one.positions)
    agreement = _text(one.alpha, 1, 3) if one.alpha else "not defined, for nobody saw what another one saw"
    effective = one.votes / one.design_effect
    return [
        *lines,
        "",
        f"- Agreement of people, Krippendorff's alpha (0 chance, 1 full): {agreement}.",
        f"- Share of the votes by position, % ({100 / len(one.positions):.1f} without bias): {places}.",
        f"- Design effect {one.design_effect:.1f}: the votes are worth about {effective:,.0f} independent ones.",
    ]


def _exclusions(protocol: Protocol, excluded: Sequence[Exclusion], people: int) -> Lines:
    out = len({one.participant for one in excluded})
    found = Counter(one.rule for one in excluded)
    lines = [
        f"{out} of {people} people, by rules that were fixed before anyone voted; a person may fall under several.",
        "",
        "| rule | excludes who | people |",
        "|---|---|---|",
    ]
    return lines + [f"| {rule} | {text} | {found[rule]} |" for rule, text in rule_texts(protocol.rules).items()]


def _checks(rows: Sequence[Any]) -> Lines:
    by_trial = {(row.participant, row.number): row for row in rows}
    pairs = [(row, by_trial.get((row.participant, row.repeat_of))) for row in rows if row.kind == "repeat"]
    same = [row.picture == first.picture for row, first in pairs if first is not None]
    gold = [row.picture == row.answer for row in rows if row.kind == "gold"]
    return [
        f"- Shown twice: {sum(same):,} of {len(same):,} answers of everybody the same.",
        f"- Known answer: {sum(gold):,} of {len(gold):,} answers of everybody right.",
    ]


def _paper(protocol: Protocol, measured: Analysis) -> Lines:
    """The printed shares beside the measured ones, by name of the systems, and the printed gaps read again."""
    table = printed_table()
    columns = {name: shares for name, shares in table["columns"].items() if name.endswith(f", {protocol.question}")}
    names = list(dict.fromkeys([*measured.shares, *(name for shares in columns.values() for name in shares)]))
    lines = [table["note"], "", f"| % | measured here | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
    for name in names:
        here = _text(measured.shares[name], 100, 1) if name in measured.shares else ""
        printed = " | ".join(f"{shares[name]:.2f}" if name in shares else "" for shares in columns.values())
        lines.append(f"| {name} | {here} | {printed} |")
    lines += [
        "",
        "The paper prints no interval. Its gaps between neighbors, in standard errors of independent votes (z), and "
        "the largest correlation between two votes of one person at which the gap is still evidence at 5 %; that votes "
        "on one image are alike lowers it further:",
        "",
        "| column | gap | points | z | correlation up to |",
        "|---|---|---|---|---|",
    ]
    for gap in printed_gaps():
        tolerated = "none" if gap.tolerated is None else f"{gap.tolerated:.3f}"
        lines.append(f"| {gap.column} | {gap.better} over {gap.worse} | {gap.points:.2f} | {gap.z:.1f} | {tolerated} |")
    return lines


def _text(one: Estimate, factor: float, digits: int) -> str:
    value, low, high = (f"{factor * number:.{digits}f}" for number in (one.value, one.low, one.high))
    return f"{value} [{low}, {high}]"
