"""The verbs of the person with an old photo: colorize, frames and demo."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)
# What colors: named by the user, or what comes with lcoins.
System = Annotated[
    Path | None, typer.Option(help="A package of `lcoins export`, or a best.ckpt; default: the one in lcoins.")
]


@app.command()
def colorize(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO… SENTENCE…",
            help='Photos, folders or lists (CSV, JSON), then sentences, such as "a red car"; - reads them from stdin.',
        ),
    ],
    checkpoint: System = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File or folder to write.")] = None,
    force: Annotated[bool, typer.Option(help="Overwrite what is there.")] = False,
    restore_tone: Annotated[
        bool,
        typer.Option(
            "--restore-tone",
            help="For old prints: take away their own tint (sepia) and bring back faded contrast before coloring.",
        ),
    ] = False,
    strength: Annotated[float, typer.Option(min=0, max=3, help="Of the colors: 0 gray, 1 as the network says.")] = 1.0,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
) -> None:
    """Color photos at their own size, by one sentence or several; a list brings a sentence for each photo.

    Exit status: 0 when every picture was made, 1 when a photo could not be colored, 2 for wrong arguments.
    """
    from rich.progress import track

    from lcoins.colorize.batch import colorize_files
    from lcoins.colorize.photo import used_words
    from lcoins.imaging.decode import PhotoError
    from lcoins.models.checkpoint import builtin_package, load_trained

    sources, sentences = split_arguments(arguments)
    if sentences == ["-"]:
        sentences = [line for line in sys.stdin.read().splitlines() if line.strip()]
    for sentence in sentences:
        typer.echo(f"{sentence!r}: understood as colors: {', '.join(used_words(sentence)) or 'none'}")
    colorizer, _ = load_trained(checkpoint or builtin_package(), device)
    try:
        result = colorize_files(
            colorizer,
            sources,
            sentences,
            output=output,
            force=force,
            restore_tone=restore_tone,
            strength=strength,
            device=device,
            progress=lambda jobs: track(jobs, "colorize"),
        )
    except PhotoError as error:  # of a single photo
        say(str(error))
        raise typer.Exit(1) from error
    for line in [*result.notices, *(f"wrote {path}" for path in result.written)]:
        typer.echo(line)
    for path, reason in result.failed.items():
        typer.secho(reason if reason.startswith(str(path)) else f"{path}: {reason}", fg="red", err=True)
    if result.failed:
        say(f"{len(result.failed)} photos could not be colored; what is wrong with each is said above")
        raise typer.Exit(1)


@app.command()
def frames(
    folder: Annotated[Path, typer.Argument(help="A folder of frames with numbers in their names.")],
    sentence: Annotated[str, typer.Argument(help='One sentence for all of them, such as "a red car".')],
    checkpoint: System = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write; default: FOLDER_colorized.")
    ] = None,
    smoothing: Annotated[float, typer.Option(help="How much the colors of the past count: 0 (off) to below 1.")] = 0.8,
    force: Annotated[bool, typer.Option(help="Remove the pictures that are there, and make them anew.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
) -> None:
    """Color the frames of a clip by one sentence, smoothed over time; says how much they flicker before and after.

    Started again after a break, it goes on where it stopped. Exit status: 0 when every picture was made, 1 when a frame
    could not be colored, 2 for wrong arguments.
    """
    from rich.progress import track

    from lcoins.colorize.clip import colorize_frames, flicker_report
    from lcoins.colorize.photo import used_words
    from lcoins.models.checkpoint import builtin_package, load_trained, weights_digest

    typer.echo(f"{sentence!r}: understood as colors: {', '.join(used_words(sentence)) or 'none'}")
    system = checkpoint or builtin_package()
    colorizer, _ = load_trained(system, device)
    result = colorize_frames(
        colorizer,
        folder,
        sentence,
        output=output,
        smoothing=smoothing,
        weights=weights_digest(system),
        force=force,
        device=device,
        progress=lambda jobs: track(jobs, "frames"),
    )
    for line in [*result.notices, *flicker_report(result)]:
        typer.echo(line)
    for path, reason in result.failed.items():
        typer.secho(f"{path}: {reason}", fg="red", err=True)
    if result.failed:
        raise typer.Exit(1)


@app.command()
def demo(
    checkpoint: System = None,
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
    max_megabytes: Annotated[int, typer.Option(min=1, max=2000, help="Of an uploaded file.")] = 100,
    max_megapixels: Annotated[int, typer.Option(min=1, max=200, help="Of an uploaded photo.")] = 60,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
) -> None:
    """A web page on this machine: choose a photo, write a sentence, compare, download. Needs lcoins[demo]."""
    import warnings
    import webbrowser
    from importlib.util import find_spec

    if find_spec("gradio") is None:
        raise ValueError("the page needs Gradio; run: pip install 'lcoins[demo]'")

    from lcoins.app.server import Limits, serving, wait_for_end
    from lcoins.models.checkpoint import builtin_package, load_trained

    warnings.filterwarnings("ignore", module="PIL")  # on damaged files, of which the page says what matters
    colorizer, _ = load_trained(checkpoint or builtin_package(), device)
    name = checkpoint.name if checkpoint else "the one that comes with lcoins"
    limits = Limits(max_megabytes, max_megapixels)
    with serving(colorizer, name=name, host=host, port=port, limits=limits, device=device) as address:
        typer.echo(f"The page is at {address} (Ctrl-C stops it, and removes all that it wrote)")
        if open_browser:
            webbrowser.open(address)
        wait_for_end()
    typer.echo("stopped; nothing is left of what was uploaded")


def split_arguments(arguments: list[str]) -> tuple[list[Path], list[str]]:
    """Photos and sentences: what is there is a photo, a folder or a list; the rest are sentences.

    The first must be there. A name that ends like a photo's and is not there is an error, not a sentence.
    """
    from lcoins.colorize.batch import LIST_SUFFIXES, PHOTO_SUFFIXES

    sources = [Path(arguments[0])]
    for argument in arguments[1:]:
        path = Path(argument)
        if not path.exists():
            break
        sources.append(path)
    sentences = arguments[len(sources) :]
    for path in (sources[0], *map(Path, sentences)):
        missing = path.suffix.lower() in PHOTO_SUFFIXES | {*LIST_SUFFIXES} and " " not in path.suffix
        if not path.exists() and (missing or path is sources[0]):
            raise FileNotFoundError(f"{path}: no such photo, folder or list; check the name")
    return sources, sentences


def say(text: str) -> None:
    """One message to the user, beside the output."""
    typer.secho(f"lcoins: {text}", fg="red", err=True)
