"""Old prints: a gray scene that is tinted and faded comes back near to what it was; other photos are left alone."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from drawn_photos import FakeColorizer
from PIL import Image

from lcoins.color.lab import lightness_of_levels
from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.colorize.photo import recognized_color_words
from lcoins.data.scenes.dataset import Scenes
from lcoins.imaging.read import read_gray_photo
from lcoins.imaging.restore import is_tinted, read_tone

Age = Callable[[np.ndarray], np.ndarray]
SEPIA = np.array([1.351, 1.203, 0.937])  # what the usual sepia filter makes of white; red and green are clipped


def scene(index: int = 0) -> np.ndarray:
    """A drawn scene in color, (192, 192, 3), with some black and some white in it."""
    rgb = Scenes("clear", 8, 192)[index].rgb.permute(1, 2, 0).numpy()
    pixels = (rgb * 255).round().astype(np.uint8)
    pixels[60:70, 60:80], pixels[120:130, 60:80] = 8, 244
    return pixels


def gray_scene(index: int = 0) -> np.ndarray:
    """The same in gray, (192, 192) in 0..1."""
    return np.asarray(Image.fromarray(scene(index)).convert("L")) / 255


def sepia(gray: np.ndarray) -> np.ndarray:
    return np.clip(gray[..., None] * SEPIA, 0, 1)


def faded(gray: np.ndarray) -> np.ndarray:
    return np.array([0.25, 0.2, 0.15]) + np.array([0.6, 0.58, 0.5]) * gray[..., None]


def cyanotype(gray: np.ndarray) -> np.ndarray:
    return np.array([0.05, 0.15, 0.3]) + np.array([0.85, 0.8, 0.68]) * gray[..., None]


def saved(path: Path, rgb: np.ndarray) -> Path:
    Image.fromarray((rgb * 255).round().astype(np.uint8)).save(
        path, **({"quality": 90} if path.suffix == ".jpg" else {})
    )
    return path


def lightness(path: Path, restore_tone: bool = False) -> np.ndarray:
    return read_gray_photo(path, restore_tone=restore_tone).lightness[0, 0].numpy()


@pytest.mark.parametrize("name", ["print.jpg", "print.png"])
@pytest.mark.parametrize("age", [sepia, faded, cyanotype])
@pytest.mark.parametrize("index", [0, 3])
def test_a_restored_print_is_as_light_as_the_scene_was(tmp_path: Path, name: str, age: Age, index: int) -> None:
    gray = gray_scene(index)
    path = saved(tmp_path / name, age(gray))
    truth = lightness_of_levels((gray * 255).round().astype(np.uint8))[0, 0].numpy()
    before = np.abs(lightness(path) - truth).mean()
    after = np.abs(lightness(path, restore_tone=True) - truth).mean()
    assert before > 3
    assert after < 2 and after < before / 2


def test_16_bits_stay_16_bits(tmp_path: Path) -> None:
    """Faded to a range of 10 of 256 levels: 8 bits would leave steps of 9."""
    gray = np.tile(np.linspace(0, 65535, 512), (64, 1))
    Image.fromarray((30_000 + gray * 0.16).astype(np.uint16)).save(tmp_path / "deep.png")
    found = lightness(tmp_path / "deep.png", restore_tone=True)
    assert found.min() < 3 and found.max() > 94
    assert np.diff(found, axis=1).max() < 0.5


def test_contrast_beyond_that_of_a_fresh_print_is_kept(tmp_path: Path) -> None:
    gray = np.tile(np.linspace(0, 1, 256), (64, 1))
    path = saved(tmp_path / "fresh.png", np.repeat(gray[..., None], 3, axis=2))
    assert np.abs(lightness(path, restore_tone=True) - lightness(path)).max() < 3  # clipped at its first 1 %


def test_an_even_surface_does_not_become_a_picture(tmp_path: Path) -> None:
    grain = 0.5 + 0.004 * np.random.default_rng(0).standard_normal((64, 64, 1))
    path = saved(tmp_path / "wall.png", np.repeat(grain, 3, axis=2))
    assert np.abs(lightness(path, restore_tone=True) - lightness(path)).max() < 0.5


def test_a_scanners_lid_and_paper_border_do_not_count(tmp_path: Path) -> None:
    aged = faded(gray_scene())
    framed = np.pad(aged, ((6, 6), (6, 6), (0, 0)), constant_values=0.0)
    inside = np.s_[6:-6, 6:-6]
    plain = lightness(saved(tmp_path / "plain.png", aged), restore_tone=True)
    found = lightness(saved(tmp_path / "framed.png", framed), restore_tone=True)
    assert np.abs(found[inside] - plain).max() < 2


def test_a_wide_margin_of_white_paper_does_not_count(tmp_path: Path) -> None:
    aged = faded(gray_scene())
    margin = len(aged) // 6
    framed = np.pad(aged, ((margin, margin), (margin, margin), (0, 0)), constant_values=0.98)
    inside = np.s_[margin:-margin, margin:-margin]
    plain = lightness(saved(tmp_path / "plain.png", aged), restore_tone=True)
    found = lightness(saved(tmp_path / "framed.png", framed), restore_tone=True)
    assert np.abs(found[inside] - plain).max() < 2


@pytest.mark.parametrize("age", [sepia, faded, cyanotype])
def test_a_tinted_print_is_recognized(age: Age) -> None:
    for index in range(4):
        pixels = (age(gray_scene(index)) * 255).round().astype(np.uint8)
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
        assert is_tinted(np.asarray(Image.open(buffer)).reshape(-1, 3))


def test_a_photo_in_color_or_in_gray_is_no_tinted_print() -> None:
    for index in range(8):
        assert not is_tinted(scene(index).reshape(-1, 3))
    gray = (gray_scene() * 255).astype(np.uint8).reshape(-1, 1)
    assert not is_tinted(np.repeat(gray, 3, axis=1))
    assert not is_tinted(np.full((100, 3), 128, np.uint8))


def test_channels_of_a_photo_in_color_all_count() -> None:
    weights = read_tone(scene().reshape(-1, 3)).weights
    assert weights.min() > 0.1 and weights.sum() == pytest.approx(1)


def test_the_option_is_suggested_where_it_would_help_and_nowhere_else(tmp_path: Path) -> None:
    path = saved(tmp_path / "print.jpg", faded(gray_scene()))
    colorizer = FakeColorizer()
    (notice,) = colorize_files(colorizer, [path], ["a gray wall"], PhotoOptions(tmp_path / "plain.png")).notices
    assert notice.startswith(f"{path}: looks like a tinted print; --restore-tone")
    assert not colorize_files(
        colorizer, [path], ["a gray wall"], PhotoOptions(tmp_path / "clean.png", restore_tone=True)
    ).notices
    in_color = read_gray_photo(saved(tmp_path / "color.jpg", scene() / 255))
    assert not in_color.notices and not in_color.tinted


def test_network_and_picture_get_the_restored_lightness(tmp_path: Path) -> None:
    path = saved(tmp_path / "print.png", faded(gray_scene()))
    colorizer = FakeColorizer(image_size=32)
    colorize_files(colorizer, [path], ["a gray wall"], PhotoOptions(tmp_path / "out.png", restore_tone=True))
    assert recognized_color_words("a gray wall")
    seen, restored = colorizer.asked[0][0], lightness(path, restore_tone=True)
    assert abs(float(seen.mean()) * 50 + 50 - restored.mean()) < 0.5
    assert np.abs(lightness(tmp_path / "out.png") - restored).max() < 0.7
