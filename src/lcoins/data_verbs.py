"""`lcoins data …`: builds, checks, shows and packs captioned photos. What each verb does lives in `lcoins.data`."""

import typer

app = typer.Typer(
    name="data",
    help="Captioned photos: build the public data sets or your own, check them, look at them, pack them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def data() -> None:
    """Captioned photos: build the public data sets or your own, check them, look at them, pack them."""
