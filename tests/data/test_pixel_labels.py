"""Labels of photos' pixels: the right class under each pixel, whatever was cropped, shrunk, packed or flipped."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from lcoins.data.pack import Pack
from lcoins.data.pack_writer import pack_photos
from lcoins.data.pairs import Pair
from lcoins.data.photos import Annotations, Photos, RandomView
from lcoins.data.pixel_labels import PixelLabels
from lcoins.data.types import VOID, Sample, collate
from lcoins.imaging import decode

SIZE = (96, 64)
SQUARE = (20, 12, 52, 44)  # left, upper, right, lower; off the middle, so that a wrong flip shows
WHOLE = (0, 0, *SIZE)


def photo(path: Path, scale: int = 1) -> None:
    """Gray with a red square."""
    image = Image.new("RGB", SIZE, (90, 90, 90))
    image.paste((250, 0, 0), SQUARE)
    image.resize((scale * SIZE[0], scale * SIZE[1]), Image.Resampling.NEAREST).save(path)


def square_map(scale: int = 1) -> NDArray[np.uint8]:
    """Class 3 with a square of class 7."""
    labels = np.full((SIZE[1], SIZE[0]), 3, dtype=np.uint8)
    labels[SQUARE[1] : SQUARE[3], SQUARE[0] : SQUARE[2]] = 7
    return labels.repeat(scale, axis=0).repeat(scale, axis=1)


def save_map(path: Path, labels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(path)


def instances(path: Path, *things: tuple[int, Any, int], size: tuple[int, int] = SIZE) -> Path:
    """COCO's file with one photo, a.png; things are (category, polygons, iscrowd)."""
    rows: list[dict[str, Any]] = [
        {"image_id": 5, "category_id": number, "segmentation": {"counts": []} if crowd else shape, "iscrowd": crowd}
        for number, shape, crowd in things
    ]
    images = [{"id": 5, "file_name": "a.png", "width": size[0], "height": size[1]}]
    categories = [{"id": number, "name": f"thing {number}"} for number in {number for number, _, _ in things}]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": rows}))
    return path


def box(left: float, upper: float, right: float, lower: float) -> list[float]:
    return [left, upper, right, upper, right, lower, left, lower]


def expect_aligned(sample: Sample, square: int = 7, others: int = 3) -> None:
    """Where the picture is clearly red is the square, where it is clearly gray is none of it."""
    assert sample.labels is not None
    assert (sample.labels.shape, sample.labels.dtype) == (sample.rgb.shape[1:], torch.uint8)
    redness = sample.rgb[0].int() - sample.rgb[1].int()
    red, gray = redness > 200, redness < 50
    assert (red | gray).float().mean() > 0.7
    assert (sample.labels[red] == square).all()
    assert (sample.labels[gray] == others).all()


def draws(data: Photos, epochs: int = 40) -> list[Sample]:
    samples = []
    for epoch in range(epochs):
        data.set_epoch(epoch)
        samples.append(data[0])
    return samples


def drawn(
    root: Path, source: Path | None, name: str = "a.png", *, training: bool = True, crop_scale: Any = (0.2, 1.0)
) -> Photos:
    view = RandomView(crop_scale, "plain") if training else None
    labels = PixelLabels(source, [name]) if source is not None else None
    annotations = Annotations(labels=labels)
    return Photos(root, [Pair(name, "a red square", 1)], 32, seed=1, view=view, annotations=annotations)


def test_a_square_stays_on_its_pixels_through_crop_flip_and_resize(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    save_map(tmp_path / "maps" / "a.png", square_map())
    samples = draws(drawn(tmp_path, tmp_path / "maps"))
    for sample in samples:
        expect_aligned(sample)
    assert len({sample.rgb.numpy().tobytes() for sample in samples}) == 40
    for sample in draws(drawn(tmp_path, tmp_path / "maps", crop_scale=None), 8):
        expect_aligned(sample)
    expect_aligned(drawn(tmp_path, tmp_path / "maps", training=False)[0])


def test_labels_change_no_picture(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    save_map(tmp_path / "maps" / "a.png", square_map())
    without = draws(drawn(tmp_path, None), 4)
    assert all(sample.labels is None for sample in without)
    assert all(
        torch.equal(one.rgb, other.rgb)
        for one, other in zip(draws(drawn(tmp_path, tmp_path / "maps"), 4), without, strict=True)
    )


def test_a_photo_that_is_decoded_or_packed_smaller_keeps_its_labels_in_place(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", scale=5)
    save_map(tmp_path / "maps" / "a.png", square_map(5))
    assert drawn(tmp_path, tmp_path / "maps", "a.jpg").source.load("a.jpg", (72, 72)).shape[:2] == (80, 120)
    list(pack_photos(tmp_path, ["a.jpg"], tmp_path / "pack", 50))
    for root in (tmp_path, tmp_path / "pack"):
        for sample in draws(drawn(root, tmp_path / "maps", "a.jpg"), 20):
            expect_aligned(sample)


def test_whatever_a_decoder_or_a_pack_makes_of_a_size_is_the_maps_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for width, height in rng.integers(17, 90, (60, 2)).tolist():
        save_map(tmp_path / "a.png", np.zeros((height, width), dtype=np.uint8))
        maps = PixelLabels(tmp_path, ["a.jpg"])
        Image.new("RGB", (width, height)).save(tmp_path / "a.bmp")
        list(pack_photos(tmp_path, ["a.bmp"], tmp_path / f"pack{width}x{height}", 16))
        packed = Pack(tmp_path / f"pack{width}x{height}").load("a.bmp").shape
        for size in ((-(-width // 2), -(-height // 2)), (-(-width // 8), -(-height // 8)), (packed[1], packed[0])):
            assert maps.crop("a.jpg", size, (0, 0, *size), 4) is not None


def test_the_polygons_of_things_are_labels(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    left, upper, right, lower = SQUARE
    path = instances(tmp_path / "i.json", (8, [box(left, upper, right - 1, lower - 1)], 0))
    for sample in draws(drawn(tmp_path, path), 20):
        expect_aligned(sample, square=7, others=VOID)


def test_the_smaller_thing_is_in_front_and_a_crowd_has_no_class(tmp_path: Path) -> None:
    small, parts = [box(10, 10, 19, 19)], [box(0, 0, 40, 63), box(80, 0, 95, 63)]
    for things in ([(1, small, 0), (90, parts, 0)], [(90, parts, 0), (1, small, 0)]):
        path = instances(tmp_path / "i.json", *things, (4, [box(45, 0, 70, 63)], 1))
        labels = PixelLabels(path, ["a.png"]).crop("a.png", SIZE, WHOLE, 96)
        assert labels is not None
        assert labels[15 + 8, 15] == 0  # row 23 of 96 is row 15 of 64
        assert labels[5, 5] == labels[60, 30] == labels[60, 90] == 89
        assert labels[40, 60] == VOID
        assert set(labels.unique().tolist()) == {0, 89, VOID}


def test_run_lengths_are_drawn_as_polygons_are(tmp_path: Path) -> None:
    path = instances(tmp_path / "i.json", (1, [box(10, 10, 19, 19)], 0), (8, {"counts": [0, 48 * 64, 48 * 64]}, 0))
    labels = PixelLabels(path, ["a.png"]).crop("a.png", SIZE, WHOLE, 96)
    assert labels is not None and labels[23, 15] == 0
    assert labels[60, 47] == 7 and labels[60, 48] == VOID


def test_each_pixel_has_the_class_at_its_middle(tmp_path: Path) -> None:
    labels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    save_map(tmp_path / "a.png", labels)
    maps = PixelLabels(tmp_path, ["a.jpg"])
    found = maps.crop("a.jpg", (6, 4), (1, 0, 5, 4), 4)
    assert found is not None and found.tolist() == labels[:, 1:5].tolist()
    found = maps.crop("a.jpg", (6, 4), (0, 1, 6, 4), 3)
    assert found is not None and found.tolist() == labels[1:, 1::2].tolist()
    found = maps.crop("a.jpg", (3, 2), (1, 0, 3, 2), 2)  # the photo was read at half its size
    assert found is not None and found.tolist() == labels[1::2, 3::2].tolist()


def test_palette_maps_give_their_indices_and_sub_folders_their_own(tmp_path: Path) -> None:
    image = Image.fromarray(square_map())
    image.putpalette([0, 0, 9] * 256)
    (tmp_path / "sub").mkdir()
    image.save(tmp_path / "sub" / "a.b.png")
    with Image.open(tmp_path / "sub" / "a.b.png") as saved:
        assert saved.mode == "P"
    labels = PixelLabels(tmp_path, ["sub/a.b.jpg"]).crop("sub/a.b.jpg", SIZE, WHOLE, 32)
    assert labels is not None and set(labels.unique().tolist()) == {3, 7}


def test_a_photo_without_a_map_has_no_labels_and_is_void_in_a_batch(tmp_path: Path) -> None:
    names = ["a.png", "b.png"]
    for name in names:
        photo(tmp_path / name)
    save_map(tmp_path / "maps" / "a.png", square_map())
    labels = PixelLabels(tmp_path / "maps", names)
    assert labels.known == {"a.png"}
    pairs = [Pair(name, "a car", 1) for name in names]
    data = Photos(tmp_path, pairs, 16, seed=0, view=RandomView(), annotations=Annotations(labels=labels))
    assert data[0].labels is not None and data[1].labels is None
    batch = collate([data[0], data[1]])
    assert batch.labels is not None and batch.labels.shape == (2, 16, 16)
    assert set(batch.labels[0].unique().tolist()) <= {3, 7}
    assert (batch.labels[1] == VOID).all()


@pytest.mark.parametrize("size", [(64, 96), (96, 65), (48, 32), (192, 64), (97, 64)])
def test_a_map_of_another_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    photo(tmp_path / "a.png")
    save_map(tmp_path / "maps" / "a.png", np.zeros((size[1], size[0]), dtype=np.uint8))
    says = (
        rf"maps/a\.png: expected the classes of a photo of 96 x 64 pixels, got {size[0]} x {size[1]}; give the labels"
    )
    with pytest.raises(ValueError, match=says):
        drawn(tmp_path, tmp_path / "maps")[0]
    path = instances(tmp_path / "i.json", (1, [box(0, 0, 9, 9)], 0), size=size)
    with pytest.raises(ValueError, match=r"i\.json: a\.png: expected the classes of a photo of 96 x 64 pixels"):
        drawn(tmp_path, path)[0]


def four_bit_gray(path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    head = SIZE[0].to_bytes(4) + SIZE[1].to_bytes(4) + bytes([4, 0, 0, 0, 0])
    rows = zlib.compress(bytes(1 + SIZE[0] // 2) * SIZE[1])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def cut(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 182, (SIZE[1], SIZE[0]), dtype=np.uint8)
    save_map(path, noise)
    path.write_bytes(path.read_bytes()[:-900])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: Image.new("RGB", SIZE).save(path), "expected one channel of 8 bits.*, got mode RGB; save it"),
        (lambda path: Image.new("I;16", SIZE).save(path), "expected one channel of 8 bits.*, got mode I;16B; save it"),
        (lambda path: Image.new("LA", SIZE).save(path), "expected one channel of 8 bits.*, got mode LA; save it"),
        (four_bit_gray, "expected one channel of 8 bits.*, got mode L;4; save it"),
        (cut, "expected a whole PNG.*copy it again"),
        (lambda path: path.write_text("no picture"), "expected a whole PNG.*copy it again"),
        (lambda path: Image.new("L", SIZE).save(path, "BMP"), "expected a whole PNG.*copy it again"),
    ],
)
def test_a_map_of_another_kind_is_refused_by_name(tmp_path: Path, make: Callable[[Path], object], says: str) -> None:
    make(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png: {says}"):
        PixelLabels(tmp_path, ["a.jpg"]).crop("a.jpg", SIZE, WHOLE, 8)


@pytest.mark.parametrize("side", [10_000, 18_000, 30_000])
def test_a_map_of_too_many_pixels_is_refused_undecoded(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 million it is the size that does not fit, of 324 Pillow warns, of 900 Pillow refuses."""
    Image.new("1", (8, 8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:26] = side.to_bytes(4) * 2 + bytes([8, 0])
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4)
    (tmp_path / "a.png").write_bytes(content)
    assert decode.MAX_PIXELS == 200_000_000
    with pytest.raises(ValueError, match=r"a\.png: expected"):
        PixelLabels(tmp_path, ["a.jpg"]).crop("a.jpg", SIZE, WHOLE, 8)


def test_what_holds_no_labels_of_these_photos_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none: no folder of class maps, nor a COCO instances"):
        PixelLabels(tmp_path / "none", ["a.jpg"])
    with pytest.raises(ValueError, match=r"the 1 photos of the caption list \(a\.png \.\.\.\), got those of none"):
        PixelLabels(tmp_path, ["a.jpg"])
    path = instances(tmp_path / "i.json", (1, [box(0, 0, 9, 9)], 0))
    with pytest.raises(ValueError, match=r"the 1 photos of the caption list \(b\.png \.\.\.\), got those of none"):
        PixelLabels(path, ["b.png"])
    for number in (0, 256):
        path = instances(tmp_path / "i.json", (number, [box(0, 0, 9, 9)], 0))
        with pytest.raises(ValueError, match=f"expected category ids from 1 to 255, got {number}; number them"):
            PixelLabels(path, ["a.png"])
    path.write_text("{")
    with pytest.raises(ValueError, match=r"i\.json is not of the form of COCO's instances"):
        PixelLabels(path, ["a.png"])
