"""`lcoins study …`: which of several systems' pictures do people prefer? The user study of the paper (Table 2)."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lcoins.wording import counted

app = typer.Typer(
    name="study",
    help="Ask people which pictures they prefer: make a study, serve its page, report the result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Folder = Annotated[Path, typer.Argument(help="The folder of the study.")]


class Question(StrEnum):
    """What people are asked."""

    reality = "reality"
    correspondence = "correspondence"


class Mode(StrEnum):
    """How many pictures a trial shows."""

    all_at_once = "all-at-once"
    two = "2afc"


@app.command()
def make(
    folder: Folder,
    system: Annotated[
        list[str],
        typer.Option(
            "--system",
            metavar="NAME=SOURCE",
            help="A system: a folder of pictures, or what colors as in `lcoins colorize`: a package, a run, best.ckpt, "
            "or builtin; repeat it for each.",
        ),
    ],
    captions: Annotated[Path, typer.Option(help="The caption list; the first caption of a photo counts.")],
    photos: Annotated[
        Path | None, typer.Option(help="The real photos: to color, and to show where the question is reality.")
    ] = None,
    question: Annotated[
        Question, typer.Option(help="Which is most real, or which matches the caption?")
    ] = Question.reality,
    mode: Annotated[Mode, typer.Option(help="Every picture at once, or two at a time.")] = Mode.all_at_once,
    images: Annotated[int, typer.Option(min=1, help="Images, drawn at random from the list.")] = 100,
    people: Annotated[int, typer.Option(min=1, help="People to plan for.")] = 25,
    per_person: Annotated[
        int | None, typer.Option(min=1, help="Votes of a person, without gold and repeats; default: one an image.")
    ] = None,
    replace_colors: Annotated[
        bool, typer.Option(help="Exchange the color words of captions at random before the systems color.")
    ] = False,
    gold: Annotated[float, typer.Option(min=0, max=0.5, help="Share of trials with a known answer; 0: none.")] = 0.05,
    repeats: Annotated[float, typer.Option(min=0, max=0.5, help="Trials shown again, as a share.")] = 0.05,
    size: Annotated[int, typer.Option(min=64, max=2048, help="Longer side of the pictures, in pixels.")] = 512,
    title: Annotated[str, typer.Option(help="The heading of the page.")] = "Colorized photos",
    consent: Annotated[
        Path | None, typer.Option(help="A text file that people agree to; {trials} and {minutes} are filled in.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides everything that is drawn at random.")] = 0,
) -> None:
    """Write the protocol and the pictures of a study, and print how many people it needs."""
    from rich.progress import track

    from lcoins.study.make import StudyOptions, make_study, votes_on_a_pair
    from lcoins.study.power import power_text
    from lcoins.study.protocol import FILE

    systems: dict[str, str] = {}
    for text in system:
        name, sign, source = text.partition("=")
        if not (name and sign and source) or name in systems:
            raise ValueError(f"expected --system NAME=SOURCE with a name of its own for each, got {text!r}")
        systems[name] = source
    options = StudyOptions(
        question=question.value,
        mode=mode.value,
        images=images,
        people=people,
        per_person=per_person,
        seed=seed,
        size=size,
        replace_colors=replace_colors,
        gold_share=gold,
        repeat_share=repeats,
        title=title,
        consent=consent,
    )
    protocol, remarks = make_study(
        folder, systems, captions, photos, options, progress=lambda names: track(names, "pictures")
    )
    for remark in remarks:
        typer.echo(remark)
    kinds = Counter(trial.kind for trial in protocol.slots[0])
    typer.echo(
        f"wrote {folder / FILE}: {counted(images, 'image')}, {counted(len(protocol.entries), 'picture')} each; "
        f"participants: {people}, {counted(kinds.total(), 'trial')} each ({counted(kinds['vote'], 'vote')}, "
        f"{kinds['gold']} with a known answer, {kinds['repeat']} shown again)"
    )
    for name, (low, high) in protocol.settings["balance"].items():
        typer.echo(f"  {name.replace('_', ' ')}: {low} to {high} times")
    typer.echo(power_text(votes_on_a_pair(protocol), people))


@app.command()
def serve(
    folder: Folder,
    store: Annotated[
        str | None,
        typer.Option(help="sqlite:///FILE or postgresql+psycopg://…; default: votes.sqlite in the folder."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on. 0.0.0.0 admits others, unencrypted: put a TLS proxy in front."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 7861,
    max_people: Annotated[
        int | None, typer.Option(min=1, help="People who may join; default: four times those planned for.")
    ] = None,
    return_url: Annotated[
        str | None, typer.Option(help="Where people go at the end, such as Prolific's completion address.")
    ] = None,
) -> None:
    """Serve the page of a study until Ctrl-C. Every vote is on the disk before the page goes on."""
    from lcoins.study.database import store_url
    from lcoins.study.protocol import expect_pictures, read_protocol
    from lcoins.study.store import Store

    # isort: split
    from lcoins.app.guard import answered_hosts
    from lcoins.app.guard import serve as serve_until_stopped
    from lcoins.study.server import StudyPage

    if return_url is not None and not return_url.startswith(("https://", "http://")):
        raise ValueError(f"expected --return-url as https://..., got {return_url!r}")
    protocol = read_protocol(folder)
    expect_pictures(protocol, folder)
    kept = Store(store or store_url(folder), protocol, folder)
    if answered_hosts(host) is None:
        typer.echo(
            f"--host {host} lets in everybody who reaches this port, and encrypts nothing: put a server that speaks "
            f"HTTPS in front",
            err=True,
        )
    page = StudyPage(kept, folder, max_people=max_people or 4 * len(protocol.slots), return_url=return_url)
    try:
        serve_until_stopped(
            page.app, host, port, lambda address: typer.echo(f"The study is at {address} (Ctrl-C stops it)")
        )
    finally:
        kept.database.close()


@app.command()
def report(
    folder: Folder,
    store: Annotated[str | None, typer.Option(help="As for serve; default: votes.sqlite in the folder.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to write; default: report in the study's folder.")
    ] = None,
) -> None:
    """Write shares, strengths, agreement and bias with intervals, exclusions, and the paper's Table 2 beside them."""
    from lcoins.study.database import FILE_NAME, store_url
    from lcoins.study.protocol import read_protocol
    from lcoins.study.report import write_report
    from lcoins.study.store import Store

    protocol = read_protocol(folder)
    if store is None and not (folder / FILE_NAME).is_file():
        raise FileNotFoundError(
            f"{folder / FILE_NAME}: no votes yet; run `lcoins study serve {folder}`, or name --store"
        )
    kept = Store(store or store_url(folder), protocol, folder)
    try:
        paths = write_report(kept, output or folder / "report")
    finally:
        kept.database.close()
    for path in paths:
        typer.echo(f"wrote {path}")
