"""`lcoins report …`: the commands that compare finished runs, as a page, tables and figures for print."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lcoins.wording import counted

SCENE_SETS = ("clear", "instances", "unobserved", "counter", "recolor")


class PageByDefault(TyperGroup):
    """`lcoins report FOLDER` is short for `lcoins report page FOLDER`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # Click's types, which newer Typers bring themselves
        return super().resolve_command(ctx, args if args[0] in self.commands else ["page", *args])


app = typer.Typer(
    name="report",
    cls=PageByDefault,
    help="Compare finished runs: `lcoins report runs/ablations` writes one HTML page with tables, plots and pictures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def report() -> None:
    """Compare finished runs: `lcoins report runs/ablations` writes one HTML page with tables, plots and pictures."""


@app.command()
def page(
    runs: Annotated[list[Path], typer.Argument(help="Folders with finished runs, at any depth.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The page to write, .html or .md; default: beside the runs.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="The variant to compare the others with; default: full.")] = None,
    title: Annotated[str, typer.Option(help="The heading of the page.")] = "Comparison of runs",
) -> None:
    """Write one page: mean and deviation over seeds, gaps with bootstrap intervals, plots and contact sheets."""
    from lcoins.reports.comparison import Comparison
    from lcoins.reports.html import write_markdown, write_page
    from lcoins.reports.load_runs import find_runs

    path = output or runs[0] / "report.html"
    writers = {".html": write_page, ".md": write_markdown}
    if path.suffix not in writers:
        raise ValueError(f"{path} must end in .html or .md, which chooses the format")
    comparison = Comparison(find_runs(runs), baseline)
    writers[path.suffix](comparison, path, title)
    found = counted(sum(map(len, comparison.variants.values())), "run")
    of = counted(len(comparison.variants), "variant")
    gaps = f", gaps to {comparison.baseline}" if len(comparison.variants) > 1 else ""
    typer.echo(f"wrote {path}: {found} of {of}{gaps}")


@app.command()
def table1(
    runs: Annotated[list[Path], typer.Argument(help="Folders with finished runs, at any depth.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .md, .tex or .csv file, or a folder for all three.")
    ] = None,
) -> None:
    """Write the paper's Table 1 from your runs beside the printed figures, with protocol and weights below."""
    from lcoins.files import write_whole
    from lcoins.reports.load_runs import find_runs
    from lcoins.reports.table1 import Table1
    from lcoins.reports.table1_formats import WRITERS

    target = output or runs[0]
    folder = output is None or target.is_dir() or not target.suffix
    if not folder and target.suffix not in WRITERS:
        raise ValueError(
            f"expected a folder, or a file that ends in {', '.join(WRITERS)}, got {target}; give one of "
            f"these endings, or a folder for all of them"
        )
    table = Table1(find_runs(runs))
    for path in [target / f"table1{ending}" for ending in WRITERS] if folder else [target]:
        write_whole(path, WRITERS[path.suffix](table))
        typer.echo(f"wrote {path}")


@app.command()
def figures(
    runs: Annotated[list[Path], typer.Argument(help="Folders with finished runs; one seed of each variant is shown.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the figures.")],
    test_set: Annotated[str, typer.Option("--set", help="The test set whose pairs are shown.")] = "instances",
    rows: Annotated[int, typer.Option(min=1, help="Pairs in each figure.")] = 4,
    word: Annotated[str | None, typer.Option(help="The word whose attention is shown; default: first color.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The variant whose groups are shown; default: full.")] = None,
    photo: Annotated[list[Path] | None, typer.Option(help="A photo of your own, old or new; can be repeated.")] = None,
    sentence: Annotated[list[str] | None, typer.Option(help="A sentence for each --photo, in the same order.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
) -> None:
    """Draw figures for print, as PNG and PDF: augmentation, comparison, groups over depth, attention, your photos."""
    from lcoins.reports.paper_figures import draw_figures

    photos = list(zip(photo or [], sentence or [], strict=False))
    if len(photo or []) != len(sentence or []):
        raise ValueError(
            f"{len(photo or [])} photos but {len(sentence or [])} sentences; give one --sentence for each "
            f"--photo, in the same order"
        )
    groups_drawn = False
    for path in draw_figures(runs, output, test_set, rows, word, baseline, photos, device):
        groups_drawn |= path.stem.startswith("groups_")
        typer.echo(f"wrote {path}")
    if not groups_drawn:
        typer.echo(
            "groups and attention are not drawn: the baseline is no L-CoIns with groups and grouping attention; "
            "choose one with --baseline"
        )


@app.command()
def edges(
    root: Annotated[Path, typer.Argument(help="The folder of photos at full size.")],
    captions: Annotated[Path, typer.Argument(help="The caption list.")],
    checkpoint: Annotated[Path, typer.Option(help="A package of `lcoins export`, or a best.ckpt.")],
    instances: Annotated[Path | None, typer.Option(help="COCO's instances_*.json, for the edges of objects.")] = None,
    lpips: Annotated[Path | None, typer.Option(help="AlexNet's weights; default: torchvision's cache.")] = None,
) -> None:
    """Compare colors enlarged along the photo's edges with bilinear enlargement, at the photos' own size."""
    from rich.console import Console

    from lcoins.data.caption_lists import read_pairs
    from lcoins.data.captioned_instances import Polygons
    from lcoins.evaluation.lpips import available_lpips
    from lcoins.models.checkpoint import load_trained
    from lcoins.reports.edge_study import compare_enlargements, enlargement_table

    pairs, _ = read_pairs(captions)
    nets, missing = available_lpips({"alex": lpips})
    colorizer, _ = load_trained(checkpoint)
    outlines = Polygons(instances) if instances else None
    scores = compare_enlargements(colorizer, root, pairs, outlines, nets.get("alex"))
    Console().print(enlargement_table(scores, len(pairs)))
    for name, text in missing.items():
        typer.echo(f"{name} not computed: {text}")


@app.command()
def dashboard(
    project: Annotated[
        str, typer.Argument(help="The Weights & Biases project of the runs: tracker.project.")
    ] = "lcoins",
    entity: Annotated[str | None, typer.Option(help="The user or team of the project; default: yours.")] = None,
    name: Annotated[str, typer.Option(help="The title of the dashboard.")] = "Ablations",
    sets: Annotated[str, typer.Option(help="The test sets, separated by commas.")] = ",".join(SCENE_SETS),
) -> None:
    """Build the ablation dashboard in a Weights & Biases project; log in with `wandb login` first."""
    from lcoins.reports.dashboard import save_dashboard

    typer.echo(f"built {save_dashboard(entity, project, sets.split(','), name)}")
