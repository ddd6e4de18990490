"""What the user reads when a command fails: one plain message, or the traceback where the fault is the program's."""

import os
import re
import sys

import typer

TRACEBACK_WANTED = os.environ.get("HYDRA_FULL_ERROR") == "1"  # by the user; hydra_commands sets the variable later
# The modules that `pip install lcoins` leaves out, by the extra that brings them. The smaller extra comes first: the
# commands that need `train` miss one of its own modules before one that both bring.
EXTRAS = {
    "report": ("jinja2", "matplotlib", "omegaconf", "skimage"),
    "train": (
        "hydra",
        "ijson",
        "lightning",
        "omegaconf",
        "scipy",
        "skimage",
        "timm",
        "torchmetrics",
        "torchvision",
        "wandb",
    ),
    "dashboard": ("wandb_workspaces",),
    "serve": ("fastapi", "prometheus_client"),
    "study": ("pyarrow", "sqlalchemy", "uvicorn"),
    "demo": ("gradio", "starlette"),
    "caption": ("transformers",),
    "remote": ("aiohttp", "fsspec", "gcsfs", "s3fs"),
}


def say(text: str) -> None:
    """Prints one message to standard error."""
    typer.secho(f"lcoins: {text}", fg="red", err=True)


def explain(error: BaseException) -> str | None:
    """The message for an error, or None where a traceback says more: a fault of this program."""
    if isinstance(error, ModuleNotFoundError):
        return _missing_extra(error.name or "")
    if sys.modules.get("hydra") and (text := _explain_hydra(error)):
        return text
    if text := _explain_library(error) or _explain_yaml(error):
        return text
    return _own_words(str(error)) if isinstance(error, ValueError | OSError | RuntimeError) else None


def _own_words(text: str) -> str:
    """A message without the traceback that a loader's worker process puts around it."""
    if not re.match(r"Caught \w+ in \w+ worker process \d+\.\n", text):
        return text
    return text.rstrip().rpartition("\n")[2].partition(": ")[2]


def _explain_library(error: BaseException) -> str | None:
    """The message for an error of Lightning, wandb or mlflow about what the user chose, or None for any other error."""
    name = type(error).__name__
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), name).rstrip(".!")
    if name == "MisconfigurationException":
        return f"Lightning refuses these settings: {first}; correct the keys of trainer and recipe that it speaks of"
    if (wandb := sys.modules.get("wandb")) and isinstance(error, wandb.Error):
        return (
            f"Weights & Biases: {first}; log in with `wandb login` or set WANDB_API_KEY, or take tracker=offline and "
            f"send the run later, or tracker=off"
        )
    if (mlflow := sys.modules.get("mlflow")) and isinstance(error, mlflow.MlflowException):
        return f"MLflow: {first}; correct tracker.uri and tracker.project, start the server, or take tracker=off"
    return None


def _explain_yaml(error: BaseException) -> str | None:
    """The message for a file, such as one's own of conf/, that is no YAML, or None for any other error."""
    yaml = sys.modules.get("yaml")
    if not yaml or not isinstance(error, yaml.MarkedYAMLError):
        return None
    mark = error.problem_mark or error.context_mark
    file = mark.name.removeprefix(f"{os.getcwd()}{os.sep}")
    return f"{file}, line {mark.line + 1}: {error.problem or error.context}; correct its indentation or quotes there"


def _missing_extra(module: str) -> str | None:
    root = module.partition(".")[0]
    for extra, modules in EXTRAS.items():
        if root in modules:
            return f"this command needs {root}, which is not installed; run: pip install 'lcoins[{extra}]'"
    return None


def _explain_hydra(error: BaseException) -> str | None:
    """The message for an error in a composed config, or None for any other error."""
    from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    cause = error.__cause__
    if isinstance(error, InstantiationException) and cause is not None:
        return explain(cause) or str(error)  # what the constructor said
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = (error.missing_cfg_file or "").rpartition("/")
        more = "; pip install 'lcoins[sweep]' brings more" if group.startswith("hydra/") else ""
        return f"there is no {group}={choice}; choose one of {', '.join(sorted(error.options))}{more}"
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}; write KEY=VALUE, without spaces around =, and lists as [a, b]"
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = f"{error}\n{cause}" if isinstance(cause, OmegaConfBaseException) else str(error)
    if several := re.match(r"Ambiguous value for argument '(.+)'\n", text):
        key, _, values = several[1].partition("=")
        return f"{several[1]} names several values, and -m runs each in turn; as one list, write {key}=[{values}]"
    if refused := re.search(r"raised while resolving interpolation: (.+)", text):
        return refused[1]  # what a resolver of ours said
    found = re.search(r"Missing mandatory value: ([\w.]+)", text)
    missing = error.full_key if isinstance(error, MissingMandatoryValue) else found and found[1]
    return f"{missing} is missing; give it on the command line as {missing}=..." if missing else text
