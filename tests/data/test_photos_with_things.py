"""Photos and their things as the benchmark of obedience reads them: squashed, disjoint, in the file's order."""

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_things import TWO_PHOTOS, outline, write_things
from PIL import Image

from lcoins.color.lab import split_lab
from lcoins.data.augment import RandomLighting
from lcoins.data.pack_writer import pack_photos
from lcoins.data.photos_with_things import PhotosWithThings


def test_photos_are_squashed_with_their_masks(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    first, second = PhotosWithThings(files.root, files.instances, files.captions, image_size=40)
    assert (first.name, second.name) == ("0.png", "1.png")
    assert first.kinds == ("bus",) and second.kinds == ("cup", "cup")
    assert first.captions == ["a red bus in the street"] and second.captions == ()
    with Image.open(files.root / "0.png") as picture:
        squashed = np.array(picture.resize((40, 40), Image.Resampling.BILINEAR))
    assert np.array_equal(first.rgb.permute(1, 2, 0).numpy(), squashed)
    assert first.masks[0, 11:34, 6:24].all()
    assert not first.masks[0, :, :4].any() and not first.masks[0, :, 26:].any()


def test_a_second_pass_reads_the_same(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    photos = PhotosWithThings(files.root, files.instances, image_size=16)
    for one, again in zip(photos, photos, strict=True):
        assert np.array_equal(one.masks, again.masks)


def test_a_system_sees_the_photos_lightness_unless_it_is_augmented(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    plain = PhotosWithThings(files.root, files.instances, image_size=16)
    old = PhotosWithThings(files.root, files.instances, image_size=16, augmentation=RandomLighting(0.1, 10.0))
    for one, aged, again in zip(plain, old, old, strict=True):
        assert torch.equal(one.lightness, split_lab(one.rgb[None].float() / 255)[0][0])
        assert torch.equal(aged.rgb, one.rgb)
        assert not torch.equal(aged.lightness, one.lightness)
        assert torch.equal(aged.lightness, again.lightness)


def test_an_augmentation_that_is_only_named_is_refused(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    with pytest.raises(ValueError, match=r"data\.augmentation: expected null or a config with a _target_"):
        PhotosWithThings(files.root, files.instances, augmentation={"blur": 2.0})  # type: ignore[arg-type]


def test_the_smaller_thing_is_in_front(tmp_path: Path) -> None:
    files = write_things(tmp_path, outline(0, "bus", (0, 0, 80, 40)), outline(0, "cup", (40, 20, 60, 30)))
    bus, cup = next(iter(PhotosWithThings(files.root, files.instances, image_size=40))).masks
    assert not (bus & cup).any()
    assert cup[22:28, 21:29].all() and (bus | cup).all()


def test_a_kind_with_a_crowd_is_left_out(tmp_path: Path) -> None:
    crowd = outline(0, "cup", (50, 5, 75, 35), crowd=True)
    files = write_things(tmp_path, outline(0, "bus", (0, 0, 40, 40)), outline(0, "cup", (42, 0, 48, 9)), crowd)
    photo = next(iter(PhotosWithThings(files.root, files.instances, image_size=40)))
    assert photo.kinds == ("bus",) and len(photo.masks) == 1


def test_a_photo_without_things_has_no_mask(tmp_path: Path) -> None:
    files = write_things(tmp_path, TWO_PHOTOS[0])
    _, empty = PhotosWithThings(files.root, files.instances, image_size=16)
    assert empty.kinds == () and empty.masks.shape == (0, 16, 16)


def test_missing_photos_are_counted_and_the_limit_is_of_those_read(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS, photos=4)
    (files.root / "1.png").unlink()
    photos = PhotosWithThings(files.root, files.instances, image_size=16, limit=2)
    assert [photo.name for photo in photos] == ["0.png", "2.png"]
    assert photos.missing == 1 and len(photos) == 2


def test_a_damaged_photo_is_an_error(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    (files.root / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1\.png"):
        list(PhotosWithThings(files.root, files.instances, image_size=16))


def test_a_pack_gives_what_its_folder_gives_unless_it_is_shrunk(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    for size in (None, 20):
        list(pack_photos(files.root, ["0.png", "1.png"], tmp_path / f"pack{size}", size))
    plain = PhotosWithThings(files.root, files.instances, image_size=16)
    packed = PhotosWithThings(tmp_path / "packNone", files.instances, image_size=16)
    assert all((one.rgb == other.rgb).all() for one, other in zip(plain, packed, strict=True))
    with pytest.raises(ValueError, match="was shrunk when packed"):
        list(PhotosWithThings(tmp_path / "pack20", files.instances, image_size=16))


def test_a_bad_row_of_captions_is_refused(tmp_path: Path) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    files.captions.write_text('{"0.png": ["a red bus", ""]}')
    with pytest.raises(ValueError, match="empty caption"):
        PhotosWithThings(files.root, files.instances, files.captions)


@pytest.mark.parametrize("options", [{"limit": 0}, {"image_size": 0}])
def test_sizes_that_leave_nothing_are_refused(tmp_path: Path, options: dict[str, int]) -> None:
    files = write_things(tmp_path, *TWO_PHOTOS)
    with pytest.raises(ValueError, match="of at least 1"):
        PhotosWithThings(files.root, files.instances, **options)  # type: ignore[arg-type]
