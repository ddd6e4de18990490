"""Checkpoints: whole or not there, read back before they replace the one before, passed over where they are broken."""

import errno
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from shrunk import shrunk

from lcoins.training import checkpoints
from lcoins.training.batches import Batches
from lcoins.training.checkpoints import AtomicCheckpointIO, _write, checkpoint_problem, find_resumable
from lcoins.training.module import ColorizationTraining
from lcoins.training.run import train_run

BATCHES = {"total": 16, "described": str(Batches(1, 16)), "steps_per_epoch": 4.0, "offset": 0}


def saved(path: Path, epoch: int = 0) -> Path:
    place = {"epoch": epoch + 1, "samples": 0}
    content = {
        "epoch": epoch,
        "batches": BATCHES,
        "ColorizationData": place,
        "state_dict": {"weight": torch.arange(1000.0)},
    }
    AtomicCheckpointIO().save_checkpoint(content, path)
    return path


def test_a_checkpoint_is_written_whole_and_alone(tmp_path: Path) -> None:
    path = saved(tmp_path / "checkpoints" / "last.ckpt", 3)
    assert [found.name for found in path.parent.iterdir()] == ["last.ckpt"]
    assert torch.load(path, weights_only=True)["epoch"] == 3
    assert checkpoint_problem(path) is None


@pytest.mark.parametrize("fault", ["full", "unreadable"])
def test_a_failed_write_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    path = saved(tmp_path / "last.ckpt")
    before = path.read_bytes()

    def full(content: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    if fault == "full":
        monkeypatch.setattr(torch, "save", full)
    else:
        monkeypatch.setattr(torch, "save", lambda content, file: file.write(b"half"))
    expected = "No space left on device" if fault == "full" else "cannot be read back"
    with pytest.raises(OSError, match=rf"cannot write the checkpoint .*last\.ckpt: .*{expected}.*untouched"):
        saved(path, 9)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_as_such_though_torch_complains_of_a_position() -> None:
    with pytest.raises(OSError, match="No space left") as raised:
        _write({"weights": torch.zeros(100_000)}, Path("/dev/full"))
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped"])
def test_a_broken_checkpoint_is_known_and_the_best_taken_instead(tmp_path: Path, damage: str) -> None:
    last, _ = saved(tmp_path / "checkpoints" / "last.ckpt", 5), saved(tmp_path / "checkpoints" / "best.ckpt", 2)
    content = bytearray(last.read_bytes())
    with zipfile.ZipFile(last) as archive:
        tensor = max(archive.infolist(), key=lambda info: info.file_size)
    if damage == "flipped":
        content[tensor.header_offset + 200 + tensor.file_size // 2] ^= 1
    last.write_bytes(content[: {"empty": 0, "cut": len(content) // 2}.get(damage)])
    (tmp_path / "csv" / "version_0").mkdir(parents=True)
    (tmp_path / "csv" / "version_0" / "metrics.csv").write_text("epoch,step\n0,4\n5,24\n")

    assert checkpoint_problem(last) is not None
    start, notices = find_resumable(tmp_path, Batches(1, 16))
    assert start == tmp_path / "checkpoints" / "best.ckpt"
    assert "last.ckpt is broken" in notices[0]
    assert notices[1].endswith("best.ckpt, after epoch 3; what came after it (3 of the epochs begun) is trained again")


def test_without_any_that_can_be_read_a_run_starts_over_and_says_so(tmp_path: Path) -> None:
    assert find_resumable(tmp_path, Batches(1, 16)) == (None, [])
    saved(tmp_path / "checkpoints" / "last.ckpt").write_bytes(b"")
    start, notices = find_resumable(tmp_path, Batches(1, 16))
    assert start is None and notices[-1].endswith("the run starts from its beginning")


def test_a_checkpoint_of_before_is_refused_in_one_line(tmp_path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint({"epoch": 3, "state_dict": {}}, tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(ValueError, match=r"cannot be resumed: it lacks ColorizationData and batches, .*name="):
        find_resumable(tmp_path, Batches(1, 16))


@pytest.mark.parametrize("batches", [0, 3])
def test_a_checkpoint_that_counts_batches_is_resumed_only_between_epochs(tmp_path: Path, batches: int) -> None:
    """Those of lcoins 0.1, which do not say of how many photos their batches were."""
    path = tmp_path / "checkpoints" / "last.ckpt"
    content = {"ColorizationData": {"epoch": 2, "batches": batches}, "batches": BATCHES}
    AtomicCheckpointIO().save_checkpoint(content, path)
    if batches:
        with pytest.raises(ValueError, match=r"cannot be resumed: it lacks the photos of its epoch, .*name="):
            find_resumable(tmp_path, Batches(1, 16))
    else:
        assert find_resumable(tmp_path, Batches(1, 16))[0] == path


@pytest.mark.parametrize("broken", ["last", "best"])
def test_a_run_with_a_broken_checkpoint_goes_on(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    cfg = shrunk("recipe.epochs=2", "data.train.length=16", "data.batch_size=8")

    def interrupted(self: ColorizationTraining) -> None:
        if self.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ColorizationTraining, "on_train_epoch_start", interrupted)
        train_run(cfg, run_folder)
    path = run_folder / "checkpoints" / f"{broken}.ckpt"
    path.write_bytes(path.read_bytes()[:1000])
    assert train_run(cfg, run_folder)
    assert (
        f"resuming from {path.with_name('best.ckpt' if broken == 'last' else 'last.ckpt')}" in capsys.readouterr().out
    )
    for name in ("best", "last"):
        assert checkpoints.checkpoint_problem(path.with_name(f"{name}.ckpt")) is None
