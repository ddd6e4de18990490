"""Frames of a drawn clip: they flicker less, cuts stay cuts, and a run cut short ends as if it had not been."""

import inspect
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from shrunk import MODEL, checkpoint
from torch import Tensor, nn
from typer.testing import CliRunner

from lcoins.cli import main as cli
from lcoins.cli import photos as photo_verbs
from lcoins.colorize.clip import RECORD, SMOOTHING, ClipOptions, ClipResult, colorize_frames
from lcoins.colorize.export import export_package
from lcoins.colorize.jobs import Job
from lcoins.imaging.read import read_gray_photo
from lcoins.locks import LOCK, FolderInUse, locked
from lcoins.models.colorizer import Colorization
from lcoins.models.grounded import GroundedColorizer

SIZE = (48, 36)
SENTENCE = "a red ball"


@dataclass
class NervousColorizer:
    """Red, with a jitter that is another one for every picture and the same for the same picture."""

    image_size: int = 16

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        random = torch.Generator().manual_seed(int(lightness.double().sum() * 1e6) % 2**31)
        flat = torch.tensor([0.4, 0.2]).view(1, 2, 1, 1).expand(1, 2, *lightness.shape[-2:])
        return Colorization(ab=flat + 0.1 * torch.randn(flat.shape, generator=random))


class BlindColorizer(GroundedColorizer):
    """Finds no elephant, and whatever else a sentence names."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.image_size = 16

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        return NervousColorizer().colorize(lightness, captions)

    def not_found(self, lightness: Tensor, caption: str) -> list[str]:
        return ["elephant"]


def drawn_frame(place: int, ground: int, noise: float) -> Image.Image:
    """A bright ball that moves two pixels a frame over a plain ground, with grain."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    gray = np.where((x - 8 - 2 * place) ** 2 + (y - 18) ** 2 < 36, 230.0, ground)
    gray += np.random.default_rng(place).normal(0, noise, gray.shape)
    return Image.fromarray(gray.clip(0, 255).round().astype(np.uint8))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Ten frames, 1 to 10 without leading zeros, with a cut before the seventh."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(1, 11):
        drawn_frame(number, 40 if number < 7 else 150, noise=2.0).save(folder / f"shot2_frame{number}.png")
    return folder


def colored(
    folder: Path, output: Path, smoothing: float = SMOOTHING, force: bool = False, side: int = 16, **others: object
) -> ClipResult:
    options = ClipOptions(output, smoothing, force)
    return colorize_frames(NervousColorizer(side), folder, SENTENCE, options, **others)  # type: ignore[arg-type]


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.png"))}


def test_frames_flicker_less_and_come_in_the_order_of_their_numbers(shots: Path, tmp_path: Path) -> None:
    result = colored(shots, tmp_path / "out")
    assert [path.name for path in result.written] == [f"shot2_frame{number}.png" for number in range(1, 11)]
    assert not result.failed
    assert not result.notices
    assert 0 < result.flicker["after"] < 0.6 * result.flicker["before"]
    assert "own" not in result.flicker
    assert json.loads((tmp_path / "out" / RECORD).read_text())["flicker"] == result.flicker
    off = colored(shots, tmp_path / "off", smoothing=0)
    assert off.flicker["after"] == off.flicker["before"] == result.flicker["before"]
    with Image.open(result.written[-1]) as picture:
        assert picture.size == SIZE


def test_all_frames_of_a_clip_have_one_margin(tmp_path: Path) -> None:
    """Of a film whose border is found in two of three frames, the border is gray in all."""
    folder = tmp_path / "film"
    folder.mkdir()
    for number in range(1, 11):
        frame = np.full((64, 64), 4, np.uint8)
        frame[6:-6, 6:-6] = np.random.default_rng(number).integers(60, 200, (52, 52))
        if number % 3 == 0:
            frame[:6, 20:50] = 200  # something bright on the border
        Image.fromarray(frame).save(folder / f"{number}.png")
    result = colored(folder, tmp_path / "out", side=64)
    assert len(result.written) == 10
    for picture in result.written:
        rgb = np.asarray(Image.open(picture)).astype(int)
        chroma = rgb.max(axis=2) - rgb.min(axis=2)
        assert chroma[:3].max() <= 1 and chroma[-3:].max() <= 1
        assert chroma[20:40, 20:40].min() > 20


def test_a_cut_is_not_blended(shots: Path, tmp_path: Path) -> None:
    colored(shots, tmp_path / "out")
    colored(shots, tmp_path / "off", smoothing=0)
    smooth, plain = pictures(tmp_path / "out"), pictures(tmp_path / "off")
    assert {name for name in plain if plain[name] == smooth[name]} == {"shot2_frame1.png", "shot2_frame7.png"}


def test_a_static_scene_is_what_its_photo_would_be(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "still").mkdir(exist_ok=True)
        drawn_frame(3, 90, noise=2.0).save(tmp_path / "still" / f"{number}.png")
    result = colored(tmp_path / "still", tmp_path / "out", smoothing=0.9)
    colored(tmp_path / "still", tmp_path / "off", smoothing=0)
    assert pictures(tmp_path / "out") == pictures(tmp_path / "off")
    assert result.flicker == {"before": 0, "after": 0}


@pytest.mark.parametrize("after", [0, 1, 5, 8, 10])  # after the last picture the record is not yet finished
def test_a_run_cut_short_ends_as_if_it_had_not_been(shots: Path, tmp_path: Path, after: int) -> None:
    whole = colored(shots, tmp_path / "whole")

    def interrupted(jobs: list[Job]) -> Iterable[Job]:
        yield from jobs[:after]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        colored(shots, tmp_path / "out", progress=interrupted)
    again = colored(shots, tmp_path / "out")
    assert len(again.skipped) == after
    assert len(again.written) == 10 - after
    assert pictures(tmp_path / "out") == pictures(tmp_path / "whole")
    assert again.flicker == whole.flicker
    assert (tmp_path / "out" / RECORD).read_bytes() == (tmp_path / "whole" / RECORD).read_bytes()


def test_what_is_done_is_left_and_what_is_lost_is_made_again(shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    colored(shots, out)
    before = pictures(out)
    (out / "shot2_frame4.png").unlink()
    (out / "shot2_frame5.png").write_bytes(b"the user's own")
    again = colored(shots, out)
    assert [path.name for path in again.written] == ["shot2_frame4.png"]
    assert pictures(out) == before | {"shot2_frame5.png": b"the user's own"}
    done = colored(shots, out)
    assert (len(done.skipped), done.written, done.flicker) == (10, [], {})
    colored(shots, out, force=True)
    assert pictures(out) == before


def test_pictures_made_in_another_way_are_not_mixed_in(shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    colored(shots, out, weights="one")
    (out / "shot2_frame4.png").unlink()
    with pytest.raises(ValueError, match=r"other settings \(smoothing 0\.8, weights 'one'\)"):
        colored(shots, out, smoothing=0.5, weights="two")
    (out / RECORD).write_text("[]")
    with pytest.raises(ValueError, match=f"no readable {RECORD}.*--force"):
        colored(shots, out)
    assert not (out / "shot2_frame4.png").exists()
    colored(shots, out, smoothing=0.5, force=True)
    colored(shots, tmp_path / "fresh", smoothing=0.5)
    assert pictures(out) == pictures(tmp_path / "fresh")


def test_bad_frames_are_named_and_the_average_holds(shots: Path, tmp_path: Path) -> None:
    bad, small = shots / "shot2_frame3.png", shots / "shot2_frame9.png"
    bad.write_bytes(b"no photo")
    drawn_frame(9, 150, 2.0).resize((24, 18)).save(small)
    result = colored(shots, tmp_path / "out")
    assert list(result.failed) == [bad, small]
    assert "24 x 18 pixels, but shot2_frame1.png has 48 x 36; expected frames of one size" in result.failed[small]
    assert len(result.written) == 8
    bad.unlink()
    small.unlink()
    without = colored(shots, tmp_path / "without")
    assert without.notices == [f"{shots}: no frame 3, 9; the frames around a gap are treated as consecutive"]
    assert pictures(tmp_path / "without") == pictures(tmp_path / "out")


def test_gaps_and_names_without_numbers_are_remarked(shots: Path, tmp_path: Path) -> None:
    for number in (2, 4, 5, 6):
        (shots / f"shot2_frame{number}.png").unlink()
    (shots / "cover.png").write_bytes(b"not looked at")
    result = colored(shots, tmp_path / "out")
    assert [notice.removeprefix(f"{shots}: ") for notice in result.notices] == [
        "skipped, no number in the name: cover.png",
        "no frame 2, 4-6; the frames around a gap are treated as consecutive",
    ]


def test_what_no_frame_shows_is_said(shots: Path, tmp_path: Path) -> None:
    result = colorize_frames(BlindColorizer(), shots, "a red elephant", ClipOptions(tmp_path / "out"))
    assert any("'elephant' was not found, or is too small, in 10 of 10 frames" in line for line in result.notices)


def test_frames_in_color_are_compared_with(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "color").mkdir(exist_ok=True)
        Image.new("RGB", SIZE, (180, 90, 40 + 8 * number)).save(tmp_path / "color" / f"{number}.png")
    result = colored(tmp_path / "color", tmp_path / "out")
    assert 2 < result.flicker["own"] < 8


def test_frames_of_16_bits_stay_so(tmp_path: Path) -> None:
    """Levels between those of 8 bits, which a picture of 8 bits could not show."""
    folder = tmp_path / "deep"
    folder.mkdir()
    levels = (np.arange(SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0]) + 30_000).astype(np.uint16)
    for number in range(2):
        Image.fromarray(levels + number).save(folder / f"{number}.tif")
    result = colored(folder, tmp_path / "out")
    assert not result.failed and not result.notices
    for written in result.written:
        picture, frame = read_gray_photo(written), read_gray_photo(folder / written.name)
        assert (picture.bits, frame.bits) == (16, 16)
        assert (picture.lightness - frame.lightness).abs().max() < 0.01  # a level of 8 bits is 0.4
        assert len(np.unique(tifffile.imread(written)[..., 1])) > 500


def test_folders_that_are_no_clip_are_refused(shots: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a folder of frames"):
        colored(shots / "shot2_frame1.png", tmp_path / "out")
    with pytest.raises(ValueError, match="would lie among the photos"):
        colored(shots, shots)
    drawn_frame(1, 40, 2.0).save(shots / "take_0001.png")
    with pytest.raises(ValueError, match="both have the number 1; expected one clip"):
        colored(shots, tmp_path / "out")
    for path in shots.iterdir():
        path.unlink()
    drawn_frame(1, 40, 2.0).save(shots / "cover.png")
    with pytest.raises(ValueError, match=r"expected frames with numbers in their names, .* found cover\.png"):
        colored(shots, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_processes_do_not_color_into_one_folder(shots: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out"), pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}"):
        colored(shots, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert len(colored(shots, tmp_path / "out").written) == 10
    assert not (tmp_path / "out" / LOCK).exists()


def test_the_command(shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_package(checkpoint(tmp_path / "run", MODEL), tmp_path / "package")
    arguments = ["frames", str(shots), SENTENCE, "--checkpoint", str(tmp_path / "package"), "-o", str(tmp_path / "out")]
    (shots / "shot2_frame2.png").write_bytes(b"no photo")
    done = CliRunner().invoke(cli.app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 1
    assert "understood as colors: red" in done.output
    assert f"wrote 9 pictures to {tmp_path / 'out'}" in done.output
    assert "before smoothing" in done.output
    assert f"{shots / 'shot2_frame2.png'}: unreadable photo" in done.output
    drawn_frame(2, 40, 2.0).save(shots / "shot2_frame2.png")
    again = CliRunner().invoke(cli.app, arguments)
    assert again.exit_code == 0, again.output
    assert "left as they are: 9 pictures that existed" in again.output
    monkeypatch.setattr("sys.argv", ["lcoins", *arguments, "--smoothing", "0.5"])
    (tmp_path / "out" / "shot2_frame2.png").unlink()
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert inspect.signature(photo_verbs.frames).parameters["smoothing"].default == SMOOTHING


def test_no_system_named(
    shots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one in lcoins."""
    monkeypatch.setattr("lcoins.models.checkpoint.BUILTIN", tmp_path / "none")
    monkeypatch.setattr("sys.argv", ["lcoins", "frames", str(shots), SENTENCE])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert "--checkpoint" in capsys.readouterr().err
