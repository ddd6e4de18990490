"""What the page does behind its layout: photos opened, refused, painted, mapped, saved; and what its server lets in."""

import asyncio
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_photos import FakeColorizer, as_lab, drawn_photo
from hostile_files import KINDS, hostile
from PIL import ExifTags, Image
from shrunk import MODEL, NO_COUNTER_COLOR, transformer
from torch import Tensor

from lcoins.app.regions import NO_GROUPS, NO_WORDS, group_regions, loudest_word, numbered, word_regions
from lcoins.app.studio import KEPT, NO_REGIONS, SCREEN, SENTENCES, VARIANTS, Refused, Session, Studio, sentences
from lcoins.color.words import find_colors
from lcoins.colorize.word_effect import SEEN
from lcoins.models.attention_maps import BlockAttention
from lcoins.models.build import build_colorizer
from lcoins.models.colorizer import Colorization

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs Gradio: pip install 'lcoins[demo]'")

SENTENCE = "a red star beside a blue moon"


class HalfColorizer(FakeColorizer):
    """Paints the left half in the sentence's first color and the right half in its last."""

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        words = find_colors(captions[0])
        halves = [super(HalfColorizer, self).colorize(lightness, [word.word]).ab for word in (words[0], words[-1])]
        middle = lightness.shape[-1] // 2
        return Colorization(torch.cat([halves[0][..., :middle], halves[1][..., middle:]], dim=-1))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "own").mkdir()
    return Studio(FakeColorizer(), tmp_path / "own", max_pixels=1_000_000)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    drawn_photo(60, 40).convert("L").save(tmp_path / "grandmother.jpg")
    return tmp_path / "grandmother.jpg"


def grouped(**changes: Any) -> Any:
    torch.manual_seed(3)
    return build_colorizer({**MODEL, **changes}).eval()


def test_a_sentence_makes_a_picture(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "  a red   star ")
    assert session.variant is not None and session.variant.sentence == "a red star"
    with Image.open(studio.preview(session, session.variant, 1.0)) as picture:
        assert picture.size == (60, 40) and as_lab(picture)[1][0, 0].mean() > 20
    with Image.open(session.gray) as gray:
        assert as_lab(gray)[1].abs().max() < 3


def test_each_line_is_a_variant_and_the_last_is_chosen(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a red star\n\na blue star\na red star")
    assert [variant.sentence for variant in session.variants] == ["a red star", "a blue star"]
    studio.color(session, "a red star")
    assert len(session.variants) == 2 and session.chosen == 0
    for number in range(VARIANTS):
        studio.color(session, f"a green star {number}")
    assert len(session.variants) == VARIANTS and session.chosen == VARIANTS - 1
    assert session.variants[0].sentence == "a green star 0"


def test_strength_scales_the_colors(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a gray star")  # within the gamut at any lightness, so that nothing is cut
    assert session.variant is not None
    session.variant.offset = torch.full_like(session.variant.offset, 6.0)
    chroma = []
    for strength in (0.0, 0.5, 1.0, 1.5):
        with Image.open(studio.preview(session, session.variant, strength)) as picture:
            chroma.append(float(as_lab(picture)[1].mean()))
    np.testing.assert_allclose(chroma, [0, 3, 6, 9], atol=0.8)


def test_a_large_photo_is_shown_small_and_saved_whole(tmp_path: Path, studio: Studio) -> None:
    Image.new("RGB", (2000, 200), (90, 90, 90)).save(tmp_path / "wide.png")
    session = studio.open(tmp_path / "wide.png")
    studio.color(session, "a red star")
    assert session.variant is not None
    with Image.open(studio.preview(session, session.variant, 1.0)) as picture:
        assert picture.size == (SCREEN, 160)
    saved = studio.finish(session, 1.0)
    with Image.open(saved) as picture, Image.open(tmp_path / "wide.png") as before:
        assert (saved.name, picture.format, picture.size) == ("wide_colorized.png", "PNG", (2000, 200))
        assert (as_lab(picture)[0] - as_lab(before)[0]).abs().max() < 0.6


def test_the_download_is_the_picture_of_the_command(tmp_path: Path, studio: Studio) -> None:
    """The same bytes as `lcoins colorize` writes: format, metadata, upright."""
    from lcoins.colorize.batch import colorize_files

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "Grandmother"
    drawn_photo(60, 40).save(tmp_path / "old.jpg", exif=exif, dpi=(300, 300))
    session = studio.open(tmp_path / "old.jpg")
    studio.color(session, "a red star")
    colorize_files(studio.colorizer, [tmp_path / "old.jpg"], ["a red star"])
    saved = studio.finish(session, 1.0)
    assert saved.name == "old_colorized.jpg"
    assert saved.read_bytes() == (tmp_path / "old_colorized.jpg").read_bytes()
    with Image.open(saved) as picture:
        assert picture.size == (40, 60) and picture.getexif()[ExifTags.Base.Artist] == "Grandmother"


@pytest.mark.parametrize(("name", "saved"), [("a.webp", "WEBP"), ("a.tif", "TIFF"), ("a.bmp", "PNG")])
def test_downloads_have_the_photos_format_where_it_is_written(
    tmp_path: Path, studio: Studio, name: str, saved: str
) -> None:
    drawn_photo(30, 20).save(tmp_path / name)
    session = studio.open(tmp_path / name)
    studio.color(session, "a red star")
    with Image.open(studio.finish(session, 1.0)) as picture:
        assert (picture.format, picture.size) == (saved, (30, 20))


def test_pictures_of_long_ago_make_room(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a red star")
    assert session.variant is not None
    made = [studio.preview(session, session.variant, 1.0, longest=30) for _ in range(KEPT + 5)]
    assert made[-1].is_file() and not made[0].exists() and session.gray.is_file()
    assert len(list(session.folder.iterdir())) <= KEPT + 2
    with Image.open(made[-1]) as picture:
        assert picture.size == (30, 20)


def test_everything_lies_in_the_folder_and_goes_with_the_sitting(studio: Studio, photo: Path) -> None:
    beside = sorted(photo.parent.iterdir())
    session = studio.open(photo)
    studio.color(session, "a red star")
    assert session.variant is not None
    for made in (session.gray, studio.preview(session, session.variant, 1.0), studio.finish(session, 1.0)):
        assert made.is_relative_to(studio.folder)
    session.close()
    assert not any(studio.folder.iterdir()) and sorted(photo.parent.iterdir()) == beside


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "Write a sentence"), (" \n ", "Write a sentence"), ("a\n" * 9, "at most 6"), ("red " * 200, "500 letters")],
)
def test_sentences_that_are_none(studio: Studio, photo: Path, text: str, said: str) -> None:
    session = studio.open(photo)
    with pytest.raises(Refused, match=said):
        studio.color(session, text)
    assert session.variants == []
    assert len(sentences("\n".join(f"a red {n}" for n in range(SENTENCES)))) == SENTENCES


def test_the_order_of_things_is_said(studio: Studio, photo: Path) -> None:
    with pytest.raises(Refused, match="Choose a photo"):
        studio.open(None)
    with pytest.raises(Refused, match="Choose a photo"):
        studio.color(None, SENTENCE)
    with pytest.raises(Refused, match="Color a photo first"):
        studio.finish(studio.open(photo), 1.0)
    session = studio.open(photo)
    studio.color(session, SENTENCE)
    photo.unlink()
    with pytest.raises(Refused, match="Choose it again"):
        studio.finish(session, 1.0)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jpg", b"no picture", "no photo, or it is damaged"),
        ("a.png", b"", "empty"),
        ("a.txt", b"x" * 99, "no photo"),
    ],
)
def test_files_that_are_no_photo(studio: Studio, tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused, match=said) as refusal:
        studio.open(tmp_path / name)
    assert str(tmp_path) not in str(refusal.value)  # no path of the server is told
    assert not any(studio.folder.iterdir())


def test_a_photo_beyond_the_limit_or_cut_off(studio: Studio, tmp_path: Path) -> None:
    Image.new("1", (1001, 1000)).save(tmp_path / "large.png")
    with pytest.raises(Refused, match="1001 x 1000 is more than 1,000,000 pixels"):
        studio.open(tmp_path / "large.png")
    drawn_photo(60, 40).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-400])
    with pytest.raises(Refused, match="damaged or cut off"):
        studio.open(tmp_path / "cut.jpg")


def test_where_each_word_acts(tmp_path: Path, photo: Path) -> None:
    studio = Studio(HalfColorizer(image_size=8), tmp_path, max_pixels=10**6)
    session = studio.open(photo)
    studio.color(session, "a red star, a green ring, a blue moon")
    assert session.variant is not None
    assert [word.word for word in session.variant.unheard()] == ["green"]
    regions, note = studio.word_map(session, session.variant)
    assert [region.name for region in regions] == ["red", "blue"] and note == ""
    left, right = (region.mask for region in regions)
    assert left.shape == right.shape == (40, 60)
    assert (
        (left[:, :26] > 0.9).all()
        and not left[:, 34:].any()
        and (right[:, 34:] > 0.9).all()
        and not (left * right).any()
    )
    assert regions[0].color[0] > regions[0].color[2]  # red is shown in red


def test_where_a_word_moves_colors_less_its_region_is_fainter() -> None:
    moved = torch.tensor([[80.0, 40.0], [SEEN, SEEN - 1]])
    (region,) = word_regions([(find_colors("a red star")[0], moved)], (2, 2))
    np.testing.assert_allclose(region.mask, [[1.0, 0.5], [SEEN / 80, 0.0]], rtol=1e-6)


def test_no_word_no_region(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a star")
    assert session.variant is not None
    assert studio.word_map(session, session.variant) == ([], NO_REGIONS)
    assert studio.group_map(session, session.variant) == ([], NO_GROUPS)
    assert word_regions([], (4, 4)) == []
    assert numbered(["red", "red"]) == ["red 1", "red 2"]


def test_groups_cover_the_photo() -> None:
    model = grouped()
    seen = torch.rand(1, 1, 32, 32) * 2 - 1
    regions, _ = group_regions(model, seen, SENTENCE, (40, 60))
    assert regions and all(region.name.startswith("group ") for region in regions)
    covered = np.sum([region.mask for region in regions], axis=0)
    assert covered.shape == (40, 60) and covered.max() == 1 and covered.mean() > 0.95


def test_systems_without_groups_or_with_joint_attention_say_so() -> None:
    seen = torch.rand(1, 1, 32, 32) * 2 - 1
    joint = grouped(**transformer(attention="joint"))
    regions, note = group_regions(joint, seen, SENTENCE, (8, 8))
    assert regions and note == NO_WORDS and not any(":" in region.name for region in regions)
    none = grouped(**transformer(attention="joint", n_groups=0), **NO_COUNTER_COLOR)
    assert group_regions(none, seen, SENTENCE, (8, 8)) == ([], NO_GROUPS)


def test_a_group_is_named_by_a_word_that_stands_out() -> None:
    words = grouped().tokenize([SENTENCE])
    shares = torch.full((2, words.ids.shape[1]), 1.0)
    shares[1, 1] = 9.0
    attention = BlockAttention(torch.zeros(16, 2), shares / shares.sum(dim=1, keepdim=True))
    assert loudest_word(attention, words, SENTENCE, 0) is None
    assert loudest_word(attention, words, SENTENCE, 1) == "red"


def built(studio: Studio) -> Any:
    """The page of a studio; without a running event loop Gradio would make one and leave it open."""
    from lcoins.app.page import Page

    async def build() -> Page:
        return Page(studio, "fake")

    return asyncio.run(build())


@pytest.fixture(scope="module")
def open_handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page's own handler of an upload: path -> (session or None, message)."""
    from lcoins.app.page import COMPARE

    page = built(Studio(FakeColorizer(), tmp_path_factory.mktemp("own"), max_pixels=60_000_000))
    handle = page._plainly(page._open)

    def opened(path: Path) -> tuple[Session | None, str]:
        update = handle(str(path), None, COMPARE, 1.0)
        return update.get(page.session), update[page.message]

    yield opened


@pytest.mark.filterwarnings("ignore")  # as in a running server, where a warning stops nothing
@pytest.mark.parametrize("seed", range(12 * len(KINDS)))
def test_hostile_files_are_opened_or_refused_in_words(open_handler: Any, tmp_path: Path, seed: int) -> None:
    name, data = hostile(seed)
    (tmp_path / name).write_bytes(data)
    start = time.monotonic()
    session, message = open_handler(tmp_path / name)
    assert time.monotonic() - start < 20
    assert (session is None) == bool(message)
    for never in ("Traceback", "went wrong", str(tmp_path), "0x", "Error"):
        assert never not in message


def test_a_fault_of_our_own_is_logged_and_told_without_a_traceback(
    tmp_path: Path, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from lcoins.app.page import COMPARE

    class Broken(FakeColorizer):
        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            raise RuntimeError("out of memory")

    page = built(Studio(Broken(), tmp_path, max_pixels=10**6))
    session = page.studio.open(photo)
    update = page._plainly(page._color)(SENTENCE, session, COMPARE, 1.0)
    assert "went wrong" in update[page.message] and "memory" not in update[page.message]
    assert "out of memory" in caplog.text


def test_what_is_said_of_words_is_escaped() -> None:
    from lcoins.app.page import words_line

    assert "Words that work: black" in words_line("a star", [])
    line = words_line("a <b>red</b> star", ["red"])
    assert "“red” found no region" in line and "<b>" not in line


def ask(guard_options: dict[str, Any], method: str, path: str, **headers: str) -> int:
    """The status that the guard gives a request, 200 where it lets it through."""
    from starlette.responses import PlainTextResponse

    from lcoins.app.guard import Guard

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(Guard(PlainTextResponse("through"), **guard_options)(scope, receive, send))
    return sent[0]["status"]


LOCAL: dict[str, Any] = {"hosts": ["127.0.0.1"], "max_bytes": 5_000_000}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/assets/index.js", 200),
        ("GET", "/gradio_api/file=/tmp/x.jpg", 200),
        ("GET", "/gradio_api/info", 404),
        ("GET", "/config", 404),
        ("GET", "/docs", 404),
        ("GET", "/monitoring", 404),
        ("GET", "/gradio_api/proxy=http://example.org", 404),
        ("GET", "/gradio_api/vibe-code", 404),
        ("POST", "/gradio_api/run/predict", 404),
        ("POST", "/gradio_api/call/show", 404),
        ("POST", "/gradio_api/process_recording", 404),
        ("POST", "/", 404),
        ("DELETE", "/", 404),
    ],
)
def test_only_the_pages_own_routes_are_open(method: str, path: str, status: int) -> None:
    assert ask(LOCAL, method, path, host="127.0.0.1:7860", content_length="10") == status


def test_bodies_are_bounded_and_hosts_are_own() -> None:
    upload, event = "/gradio_api/upload", "/gradio_api/queue/join"
    own = {"host": "127.0.0.1:7860"}
    assert ask(LOCAL, "POST", upload, content_length="5000000", **own) == 200
    assert ask(LOCAL, "POST", upload, content_length="5000001", **own) == 413
    assert ask(LOCAL, "POST", event, content_length="2000000", **own) == 413
    assert ask(LOCAL, "POST", event, transfer_encoding="chunked", **own) == 411
    assert ask(LOCAL, "GET", "/", host="evil.example:7860") == 403
    assert ask(LOCAL, "GET", "/") == 403
    assert ask({**LOCAL, "hosts": None}, "GET", "/", host="my-machine.lan:7860") == 200
