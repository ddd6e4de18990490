"""Which trained system an evaluation names: a run's best or last checkpoint, a package, or a checkpoint by its path."""

from contextlib import suppress
from itertools import islice
from pathlib import Path

from lcoins.models.checkpoint import builtin_package

DEEPEST = 4  # folders between those of all runs and a run, about
OF_RUN = ("best", "last")  # the checkpoints that a run leaves


def trained_system(run_folder: str | None, checkpoint: str) -> Path:
    """The package or checkpoint that an evaluation names: ``builtin``, ``best`` or ``last`` of a run, or a path."""
    if checkpoint == "builtin":
        return builtin_package()
    if run_folder is not None and checkpoint in OF_RUN:
        return Path(run_folder) / "checkpoints" / f"{checkpoint}.ckpt"
    return Path(checkpoint)


def without_tests(source: Path) -> str:
    """What is said of a trained system that names no test sets, where no data is chosen either."""
    return f"{source} has no test sets of its own; choose some with data=obedience, photos or scenes"


def finished_near(folder: Path, most: int = 4) -> list[Path]:
    """Up to ``most`` finished runs that lie beside or below the nearest parent of a folder that exists and has some."""
    for parent in [folder, *folder.parents][:DEEPEST]:
        patterns = ["*/" * depth + "metrics.json" for depth in range(DEEPEST)]
        found = (path.parent for pattern in patterns for path in parent.glob(pattern))
        with suppress(OSError):  # of a folder that somebody removes while it is looked through
            if near := sorted(islice((run for run in found if (run / "checkpoints" / "best.ckpt").is_file()), most)):
                return near
    return []
