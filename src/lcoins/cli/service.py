"""The command for programs that color photos over HTTP: serve."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lcoins.cli.photos import Checkpoint, Device
from lcoins.wording import counted

TOKEN = "LCOINS_TOKEN"  # the environment's name for the token
SHORTEST_TOKEN = 16  # characters


def serve(
    checkpoint: Checkpoint = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 admits other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 7870,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"A file with the token that requests must carry; default: {TOKEN}, or none is needed."),
    ] = None,
    waiting: Annotated[int, typer.Option(min=0, max=1000, help="Requests that may wait; others get status 503.")] = 8,
    max_megabytes: Annotated[int, typer.Option(min=1, max=1000, help="Largest photo's file, in megabytes.")] = 20,
    max_megapixels: Annotated[int, typer.Option(min=1, max=200, help="Largest photo, in megapixels.")] = 60,
    device: Device = "cpu",
) -> None:
    """Color photos for other programs, as JSON over HTTP: POST /colorize; GET /health, /metrics, /openapi.json.

    Needs the extra `serve`.
    """
    from lcoins.app.service import FOLDER_PREFIX, Service, ServiceLimits

    # isort: split
    from lcoins.app.folder import remove_dead_folders, temporary_folder
    from lcoins.app.guard import answered_hosts
    from lcoins.app.guard import serve as serve_until_stopped
    from lcoins.colorize.photo import load_system

    token = read_token(token_file)
    if token is None and answered_hosts(host) is None:
        typer.echo("anyone who reaches this address can color photos; a token keeps others out (--token-file)")
    limits = ServiceLimits(max_megabytes, max_megapixels, waiting)
    service = Service(load_system(checkpoint, device), limits, token, device)
    if left := remove_dead_folders(FOLDER_PREFIX):
        typer.echo(f"removed {counted(left, 'file')} of a service that was killed")
    with temporary_folder(FOLDER_PREFIX):  # in which photos lie while they are colored
        serve_until_stopped(
            service.app, host, port, lambda address: typer.echo(f"serving at {address}colorize (Ctrl-C stops it)")
        )


def read_token(file: Path | None) -> str | None:
    """The token of a file or of the environment; ValueError where it is empty or short."""
    token = os.environ.get(TOKEN) if file is None else file.read_text(encoding="utf-8")
    token = None if token is None else token.strip()
    if token is not None and len(token) < SHORTEST_TOKEN:
        where = TOKEN if file is None else file
        raise ValueError(f"{where}: expected a token of at least {SHORTEST_TOKEN} characters, got {len(token)}")
    return token
