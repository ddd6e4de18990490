"""Checkpoints that are whole or not there: written beside, verified, renamed; a broken one is named and passed over."""

import csv
import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from lcoins.data.datamodule import ColorizationData
from lcoins.files import whole_file
from lcoins.training.batches import Batches
from lcoins.wording import counted


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, reads it back, and only then puts it there.

    Lightning's own writer goes by way of the folder for temporary files: on another file system a kill while it is
    copied leaves half a file in place of a good one.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Saves, or raises OSError and leaves the checkpoint before as it is."""
        target = Path(path)
        try:
            with whole_file(target) as partial:
                _write(checkpoint, partial)
                if problem := checkpoint_problem(partial):
                    raise OSError(errno.EIO, f"what was written cannot be read back ({problem})")
        except OSError as error:
            kept = "the one before it is untouched" if target.exists() else "there is none before it"
            raise OSError(
                error.errno,
                f"cannot write the checkpoint {target}: {error.strerror or error}; {kept}. Make room, and "
                "start the same command again",
            ) from error
        _sync_folder(target.parent)


def _write(checkpoint: dict[str, Any], path: Path) -> None:
    """Writes a file; raises the disk's own error where torch, closing its archive, complains of the place of a byte."""
    try:
        with path.open("wb") as file:
            torch.save(checkpoint, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def _sync_folder(folder: Path) -> None:
    """Makes a renaming last through a loss of power, where folders can be opened at all."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some network file systems
                raise
        finally:
            os.close(descriptor)


def checkpoint_problem(path: Path) -> str | None:
    """Why a checkpoint cannot be read, or None: every byte is compared with its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        return f"{broken} is damaged" if broken else None
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        return f"{path.stat().st_size} bytes, {str(error).lower()}" if path.exists() else "it does not exist"


def find_resumable(folder: Path, batches: Batches) -> tuple[Path | None, list[str]]:
    """The checkpoint from which a run goes on, None for its beginning, and what to tell the user about it.

    Args:
        folder: The run's folder. Its last checkpoint counts, or the best one where that is broken.
        batches: How the run is shared out now; the user is told if that has changed.

    Raises ValueError for a checkpoint that does not say where its run was, or how it was shared out.
    """
    notices = []
    for path in (folder / "checkpoints" / "last.ckpt", folder / "checkpoints" / "best.ckpt"):
        if not path.exists():
            continue
        if problem := checkpoint_problem(path):
            notices.append(f"{path} is broken: {problem}")
            continue
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        missing = [name for name in (ColorizationData.__qualname__, "batches") if name not in content]
        if not missing and content[ColorizationData.__qualname__].get("batches"):  # of a size that it does not tell
            missing = ["the photos of its epoch"]
        if missing:
            raise ValueError(
                f"{path} cannot be resumed: it lacks {' and '.join(missing)}, so an earlier lcoins has written it; "
                f"finish the run with that one, or begin another from its weights: name=... start_from={path}"
            )
        place, before = content[ColorizationData.__qualname__], content["batches"]
        epochs, samples = place["epoch"], place.get("samples", 0)
        again = max(0, _epochs_begun(folder) - epochs - bool(samples))
        repeated = f"; what came after it ({again} of the epochs begun) is trained again" if again else ""
        more = f" and {counted(samples, 'photo')} of the next" if samples else ""
        notices.append(f"resuming from {path}, after epoch {epochs}{more}{repeated}")
        if before["described"] != str(batches):
            rate = "stays" if before["total"] == batches.total else "changes, and the learning rate stays"
            notices.append(f"the global batch {rate}: {before['described']} before, {batches} now")
        return path, notices
    return None, [*notices, "no checkpoint can be read: the run starts from its beginning"] if notices else []


def _epochs_begun(folder: Path) -> int:
    """How many epochs the logs of all starts of a run speak of."""
    epochs = [0]
    for path in folder.glob("csv/version_*/metrics.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            epochs += [int(row["epoch"]) + 1 for row in csv.DictReader(file) if (row.get("epoch") or "").isdigit()]
    return max(epochs)
