"""The commands for a person with an old photo: colorize, frames and demo."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lcoins.cli.errors import say
from lcoins.wording import counted

app = typer.Typer(pretty_exceptions_enable=False)
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="A package of `lcoins export`, hf://OWNER/NAME, or a best.ckpt; default: the weights in lcoins."),
]
Source = Annotated[
    str,
    typer.Option(
        help="A captioning model of transformers, such as BLIP: a folder with safetensors, or hf://OWNER/NAME."
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps …")]


@app.command()
def colorize(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO… SENTENCE…",
            help='Photos, folders or lists (CSV, JSON), then sentences, such as "a red car"; - reads them from stdin.',
        ),
    ],
    checkpoint: Checkpoint = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File or folder to write.")] = None,
    force: Annotated[bool, typer.Option(help="Overwrite existing pictures.")] = False,
    restore_tone: Annotated[
        bool,
        typer.Option(
            "--restore-tone",
            help="For old prints: remove their tint (sepia) and restore faded contrast before coloring.",
        ),
    ] = False,
    strength: Annotated[
        float, typer.Option(min=0, max=3, help="Strength of the colors: 0 gray, 1 as predicted.")
    ] = 1.0,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y=COLOR",
            help='A color for a place and what looks alike around it: "120,80=red" in pixels, or "25%,60%=light blue".',
        ),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=COLOR", help="A color for what is white in a picture of the photo's shape."),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Color photos at their own size, by one sentence or several; a list gives each photo a sentence of its own.

    Where the sentence is not obeyed, --hint and --mask give one photo colors by hand; each can be repeated.

    Exit status: 0 if every picture was written, 1 if a photo could not be colored, 2 for wrong arguments.
    """
    from rich.progress import track

    from lcoins.colorize.batch import PhotoOptions, colorize_files
    from lcoins.colorize.by_hand import read_hints
    from lcoins.colorize.photo import checked_sentence, load_system
    from lcoins.colorize.understood import understood_line
    from lcoins.imaging.decode import PhotoError

    sources, sentences = split_arguments(arguments)
    if sentences == ["-"]:
        sentences = read_sentences()
    sentences = [checked_sentence(sentence) for sentence in sentences]
    hints = read_hints(hint or (), mask or ())
    for sentence in sentences:
        typer.echo(understood_line(sentence))
    colorizer = load_system(checkpoint, device)
    try:
        result = colorize_files(
            colorizer,
            sources,
            sentences,
            PhotoOptions(output, force, restore_tone, strength, device, hints),
            progress=lambda jobs: track(jobs, "colorize"),
        )
    except PhotoError as error:  # raised only for a single photo; of several, the others go on
        say(str(error))
        raise typer.Exit(1) from error
    for line in [*result.notices, *result.effects, *(f"wrote {path}" for path in result.written)]:
        typer.echo(line)
    for path, reason in result.failed.items():
        typer.secho(reason if reason.startswith(str(path)) else f"{path}: {reason}", fg="red", err=True)
    if result.failed:
        say(f"not colored, for the reasons above: {counted(len(result.failed), 'photo')}")
        raise typer.Exit(1)


@app.command()
def frames(
    folder: Annotated[Path, typer.Argument(help="A folder of frames with numbers in their names.")],
    sentence: Annotated[str, typer.Argument(help='One sentence for all of them, such as "a red car".')],
    checkpoint: Checkpoint = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write; default: FOLDER_colorized.")
    ] = None,
    smoothing: Annotated[float, typer.Option(help="Weight of earlier frames' colors: 0 (off) to below 1.")] = 0.8,
    force: Annotated[bool, typer.Option(help="Remove existing pictures and color every frame again.")] = False,
    device: Device = "cpu",
) -> None:
    """Color the frames of a clip by one sentence, smoothed over time, and print the flicker before and after.

    If interrupted, it continues when started again. Exit status: 0 if every picture was written, 1 if a frame could not
    be colored, 2 for wrong arguments.
    """
    from rich.progress import track

    from lcoins.colorize.clip import ClipOptions, colorize_frames, flicker_report
    from lcoins.colorize.photo import load_system, weights_here
    from lcoins.colorize.understood import understood_line
    from lcoins.models.checkpoint import weights_digest

    typer.echo(understood_line(sentence))
    weights = weights_here(checkpoint)
    colorizer = load_system(weights, device)
    result = colorize_frames(
        colorizer,
        folder,
        sentence,
        ClipOptions(output, smoothing, force, device),
        weights=weights_digest(weights),
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
    checkpoint: Checkpoint = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 admits other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
    max_megabytes: Annotated[int, typer.Option(min=1, max=2000, help="Largest uploaded file, in megabytes.")] = 100,
    max_megapixels: Annotated[int, typer.Option(min=1, max=200, help="Largest uploaded photo, in megapixels.")] = 60,
    max_total_megabytes: Annotated[
        int, typer.Option(min=1, help="All files of the page together, in megabytes.")
    ] = 4000,
    captioner: Annotated[
        str | None, typer.Option(help="A captioning model as of `lcoins caption`; the page then suggests sentences.")
    ] = None,
    device: Device = "cpu",
) -> None:
    """Serve a web page on this machine: choose a photo, write a sentence, compare, download. Needs the extra `demo`."""
    import warnings
    import webbrowser

    from lcoins.app.folder import remove_dead_folders
    from lcoins.app.server import Limits, serving, wait_for_end
    from lcoins.colorize.captioner import Captioner
    from lcoins.colorize.photo import load_system

    warnings.filterwarnings("ignore", module="PIL")  # about damaged files, which the page explains
    colorizer = load_system(checkpoint, device)
    name = checkpoint.name if checkpoint else "the weights in lcoins"
    limits = Limits(max_megabytes, max_megapixels, max_total_megabytes)
    if left := remove_dead_folders():
        typer.echo(f"removed {counted(left, 'file')} of a page whose server was killed")
    suggests = Captioner(captioner, device) if captioner else None
    with serving(
        colorizer, name=name, host=host, port=port, limits=limits, device=device, captioner=suggests
    ) as address:
        typer.echo(f"The page is at {address} (Ctrl-C stops it and removes all uploads)")
        if open_browser:
            webbrowser.open(address)
        wait_for_end()
    typer.echo("stopped; all uploads are removed")


@app.command()
def caption(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    captioner: Source,
    device: Device = "cpu",
) -> None:
    """Suggest a sentence for a photo, in which you then name the colors. Needs the extra `caption`, and a captioner."""
    from lcoins.colorize.captioner import Captioner
    from lcoins.imaging.read import read_gray_photo

    sentence = Captioner(captioner, device)(read_gray_photo(photo).lightness)
    if not sentence:
        raise ValueError(f"{captioner} says nothing about {photo}; write a sentence of your own")
    typer.echo(sentence)


def split_arguments(arguments: list[str]) -> tuple[list[Path], list[str]]:
    """Splits arguments into paths, which exist, and the sentences after them.

    The first argument must exist. A path of a photo or list that does not exist is an error, not a sentence; so is a
    path among the sentences, and a sentence that came as single words.
    """
    from lcoins.colorize.photo import recognized_color_words
    from lcoins.data.caption_lists import LIST_SUFFIXES
    from lcoins.imaging.decode import PHOTO_SUFFIXES

    first_sentence = next((index for index, argument in enumerate(arguments) if not _exists(argument)), len(arguments))
    sentences = arguments[first_sentence:]
    for argument in arguments[:1] + sentences:
        suffix = Path(argument).suffix.lower()
        missing = suffix in PHOTO_SUFFIXES | {*LIST_SUFFIXES} and " " not in suffix
        if not _exists(argument) and (missing or argument is arguments[0]):
            raise FileNotFoundError(f"{argument}: no such photo, folder or list; check the name")
        if argument is not arguments[0] and _exists(argument):
            raise ValueError(f"{argument} exists, and comes after the sentence {sentences[0]!r}; name all photos first")
    single = [sentence for sentence in sentences if len(sentence.split()) == 1]
    if len(sentences) > 1 and len(single) == len(sentences) and not all(map(recognized_color_words, single)):
        raise ValueError(
            f'these are {len(single)} sentences of one word each; put quotes around one: "{" ".join(single)}"'
        )
    if "-" in sentences and len(sentences) > 1:
        raise ValueError("- reads all sentences from standard input; leave out the others")
    return [Path(argument) for argument in arguments[:first_sentence]], sentences


def _exists(argument: str) -> bool:
    """Whether an argument is a path of something; a sentence may be longer than any path."""
    try:
        return Path(argument).exists()
    except (OSError, ValueError):
        return False


def read_sentences() -> list[str]:
    """The lines of standard input that are not blank; ValueError where there is none."""
    if sys.stdin is None:
        raise ValueError(
            "- reads sentences from standard input, which is closed; give them as arguments, or pipe them in"
        )
    try:
        sentences = [line for line in sys.stdin.read().splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the sentences on standard input are no text in {error.encoding}; save them as UTF-8"
        ) from error
    if not sentences:
        raise ValueError("expected sentences on standard input, one a line, got none")
    return sentences
