"""The verbs of the ``lcoins`` command; the only place that finds conf/ and experiments/."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="lcoins",
    help="Language-based image colorization: a grey photo and a sentence go in, the right instance gets the right colour.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def conf_folder() -> Path:
    """conf/ inside the installed package, or beside src/ in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "conf", package.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/ with train.yaml near {package}; reinstall lcoins")


@app.command(context_settings=OVERRIDES)
def train(context: typer.Context) -> None:
    """Train, then evaluate the best checkpoint. Hydra overrides: data=… model=… ablation=… -m for sweeps."""
    _hydra("train", context.args)


@app.command("eval", context_settings=OVERRIDES)
def evaluate(context: typer.Context) -> None:
    """Evaluate a run by the paper's protocol: run=FOLDER, and data=… photos.test.… for other data."""
    _hydra("eval", context.args)


@app.command(context_settings=OVERRIDES)
def info(context: typer.Context) -> None:
    """Parameters and multiply-adds of a model, part by part, without building it: model=… ablation=… [--json]."""
    _hydra("info", context.args)


@app.command(context_settings=OVERRIDES)
def bench(context: typer.Context) -> None:
    """Samples per second, step time and peak memory of training and inference: model=… ablation=… [--json]."""
    _hydra("bench", context.args)


@app.command()
def colorize(
    photo: Annotated[Path, typer.Argument(help="A photo, or a folder of photos.")],
    sentence: Annotated[str, typer.Argument(help='What is where in which colour: "a woman in a red coat".')],
    checkpoint: Annotated[Path, typer.Option(help="A best.ckpt that `lcoins train` wrote.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File or folder to write.")] = None,
    force: Annotated[bool, typer.Option(help="Overwrite what is there.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
) -> None:
    """Colour a photo, or every photo of a folder, at its own size."""
    from rich.progress import track

    from lcoins.colorize import colorize_path
    from lcoins.runs import load_colorizer

    colorizer, _ = load_colorizer(checkpoint, device)
    result = colorize_path(
        colorizer,
        photo,
        sentence,
        output=output,
        force=force,
        device=device,
        progress=lambda pairs: track(pairs, "colorize"),
    )
    for line in [*result.notices, *(f"wrote {path}" for path in result.written)]:
        typer.echo(line)
    for path, reason in result.failed.items():
        typer.secho(f"{path}: {reason}", fg="red", err=True)
    if result.failed:
        raise typer.Exit(1)


def _hydra(verb: str, arguments: list[str]) -> None:
    """Runs a verb whose arguments are Hydra overrides, in this process; the verb gets the config and Hydra's folder."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig, OmegaConf

    from lcoins import verbs

    OmegaConf.register_new_resolver("label", verbs.label, replace=True)

    @hydra.main(config_path=str(conf_folder()), config_name=verb, version_base="1.3")
    def run(cfg: DictConfig) -> None:
        verbs.VERBS[verb](cfg, Path(HydraConfig.get().runtime.output_dir))

    sys.argv = [f"lcoins {verb}", *("json=true" if argument == "--json" else argument for argument in arguments)]
    run()


def main() -> None:
    """Entry point: errors meant for the user are printed without a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError) as error:
        typer.secho(f"lcoins: {error}", fg="red", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
