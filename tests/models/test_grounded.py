"""Colors go where grounding finds what they speak of; what it does not find is left to the network."""

import pytest
import torch
from torch import Tensor, nn

from lcoins.color.lab import ab_at_lightness, from_network_ab, from_network_lightness
from lcoins.color.names import BASIC_LAB, KNOWN_LAB
from lcoins.color.natural_colors import natural_ab
from lcoins.color.spoken_of import MOST
from lcoins.models.colorizer import Colorization
from lcoins.models.focus import FocusedColorizer
from lcoins.models.grounded import GroundedColorizer, for_photos, painted, within_edges
from lcoins.models.grounding import Grounded, said_colors

# Rows of the photo.
PLACES = {"bus": slice(0, 4), "car": slice(4, 8), "cup": slice(0, 8), "sky": slice(0, 4), "grass": slice(4, 8)}


class Knowing(nn.Module):
    """Knows where its bus and its car are, and colors nothing; it keeps what it was asked."""

    image_size = 8
    grounding = object()

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.grounded = 0

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        self.asked += captions
        return Colorization(torch.zeros(len(captions), 2, 8, 8))

    def ground(self, lightness: Tensor, things: list[str], crop: Tensor) -> Grounded:
        self.grounded += 1
        logits = torch.full((len(things), 8, 8), -6.0)
        for row, thing in zip(logits, things, strict=True):
            for name, rows in PLACES.items():
                if name in thing:
                    row[rows] = 6.0
        return Grounded(logits, torch.zeros(len(logits), 1), torch.zeros(1, 64, 1), [len(logits)], torch.ones(()))


def colors(captions: list[str]) -> tuple[Tensor, Knowing]:
    system = Knowing()
    return from_network_ab(GroundedColorizer(system).colorize(torch.zeros(len(captions), 1, 8, 8), captions).ab), system


def typical(color: str) -> Tensor:
    return torch.tensor(ab_at_lightness(BASIC_LAB[color], 50.0))[:, None]


def test_each_color_goes_where_its_thing_is() -> None:
    for captions in (["a red bus and a blue car"], ["the car is blue", "a red bus and a blue car"]):
        ab, system = colors(captions)
        torch.testing.assert_close(ab[-1][:, :3, 0], typical("red").expand(2, 3), atol=0.5, rtol=0)
        torch.testing.assert_close(ab[-1][:, 5:, 0], typical("blue").expand(2, 3), atol=0.5, rtol=0)
        assert system.asked[-1] == "a bus and a car"


def test_sky_and_grass_have_the_colors_of_nature() -> None:
    ab, _ = colors(["green grass under a blue sky"])
    for rows, color, thing in ((slice(0, 3), "blue", "sky"), (slice(5, 8), "green", "grass")):
        natural = natural_ab(said_colors([f"a {color} {thing}"])[0].phrase, thing)
        assert natural is not None
        torch.testing.assert_close(ab[0][:, rows, 0], torch.tensor(natural)[:, None].expand(2, 3), atol=0.5, rtol=0)


def test_one_color_goes_to_all_things_that_it_is_said_of() -> None:
    ab, system = colors(["the bus and the car are red"])
    torch.testing.assert_close(ab[0, :, :3, 0], ab[0, :, 5:, 0])
    torch.testing.assert_close(ab[0, :, :3, 0], typical("red").expand(2, 3), atol=0.5, rtol=0)
    assert system.asked[0] == "the bus and the car are"


@pytest.mark.parametrize(
    ("caption", "asked"),
    [
        ("a green zebra", "a green zebra"),
        ("a green zebra and a red bus", "a zebra and a bus"),
        ("the bus and the zebra are red", "the bus and the zebra are"),
        ("a boy in a green coat before a red bus", "a boy in a green coat before a bus"),
    ],
)
def test_what_is_not_found_is_left_to_the_network_if_it_is_worn_or_nothing_else_is_found(
    caption: str, asked: str
) -> None:
    """The network would put its color on a thing that has its own."""
    assert colors([caption])[1].asked[0] == asked


def test_what_is_not_named_keeps_its_color() -> None:
    ab, _ = colors(["a red bus"])
    assert ab[0, :, 5:].abs().max() < 0.5


def test_a_sentence_is_read_as_it_is_written() -> None:
    """The exact color, though training paints with its neighbor, and nothing of what is denied."""
    ab, system = colors(["a vermilion bus, not a red car, and a coat that is hunter green"])
    torch.testing.assert_close(
        ab[0][:, :3, 0], torch.tensor(KNOWN_LAB["vermilion"][1:])[:, None].expand(2, 3), atol=0.5, rtol=0
    )
    assert ab[0, :, 5:].abs().max() < 0.5
    assert system.asked[0] == "a bus, car, and a coat that is forest green"


def test_a_caption_without_colors_is_the_networks() -> None:
    ab, system = colors(["a bus and a car"])
    assert ab.abs().max() == 0
    assert system.asked == ["a bus and a car"]


def test_another_color_in_the_same_sentence_takes_no_further_pass_of_the_network() -> None:
    system = Knowing()
    grounded, lightness = GroundedColorizer(system), torch.zeros(1, 1, 8, 8)
    first, second = (grounded.colorize(lightness, [f"a {color} bus"]).ab for color in ("red", "blue"))
    assert not torch.equal(first, second)
    assert system.asked == ["a bus"]
    assert system.grounded == 1


def test_a_faded_photo_is_seen_in_full_contrast_and_colored_for_its_own_lightness() -> None:
    class Seeing(Knowing):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Tensor] = []

        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            self.seen.append(lightness)
            return super().colorize(lightness, captions)

        def ground(self, lightness: Tensor, things: list[str], crop: Tensor) -> Grounded:
            self.seen.append(lightness)
            return super().ground(lightness, things, crop)

    system = Seeing()
    faded = torch.linspace(0.4, 0.8, 64).unflatten(0, (1, 1, 8, 8))
    ab = from_network_ab(GroundedColorizer(system).colorize(faded, ["a red bus"]).ab)
    assert len(system.seen) == 2
    for seen in system.seen:
        assert float(seen.min()) < -0.9
        assert float(seen.max()) > 0.85
    light = torch.tensor(ab_at_lightness(BASIC_LAB["red"], float(from_network_lightness(faded[0, 0, :4].mean()))))
    torch.testing.assert_close(ab[0, :, :3].mean(dim=(1, 2)), light, atol=3, rtol=0)


def test_the_margin_of_a_print_gets_no_color_and_its_picture_is_seen_whole() -> None:
    class Print(Knowing):
        image_size = 64

        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Tensor] = []

        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            self.seen.append(lightness)
            return Colorization(torch.full((len(captions), 2, 64, 64), 0.5))

        def ground(self, lightness: Tensor, things: list[str], crop: Tensor) -> Grounded:
            self.seen.append(lightness)
            logits = torch.full((len(things), 64, 64), -6.0)
            logits[..., :32] = 6.0
            return Grounded(logits, torch.zeros(len(logits), 1), torch.zeros(1, 4096, 1), [len(logits)], torch.ones(()))

    system = Print()
    photo = torch.full((1, 1, 64, 64), 0.9)
    photo[..., 10:-10, 10:-10] = torch.linspace(-0.5, 0.2, 44)[:, None]
    ab = from_network_ab(GroundedColorizer(system).colorize(photo, ["a red bus"]).ab)[0]
    for outside in (ab[:, :10], ab[:, -10:], ab[..., :10], ab[..., -10:]):
        assert not outside.any()
    assert ab[0, 12:52, 12:30].min() > 30  # red, on the left half of the picture
    asked = len(system.seen)
    GroundedColorizer(system).not_found(photo, "a red bus")
    assert len(system.seen) == asked + 1
    for seen in system.seen:
        assert float(seen[..., :16, :].max()) < -0.2  # the paper is not there
        assert float(seen[..., :16, :].min()) < -0.9  # and the contrast is full


def test_the_edges_and_the_light_parts_of_a_faded_photo_are_those_of_the_fresh_one() -> None:
    """A shirt of two stripes on what is darker than both, at a quarter of the contrast; red goes to its dark stripe."""

    class Shirt(Knowing):
        image_size = 64

        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            return Colorization(torch.zeros(len(captions), 2, 64, 64))

        def ground(self, lightness: Tensor, things: list[str], crop: Tensor) -> Grounded:
            logits = torch.full((len(things), 64, 64), -6.0)
            logits[:, 12:52, 12:52] = 6.0  # four pixels more than the shirt on each side
            return Grounded(logits, torch.zeros(len(logits), 1), torch.zeros(1, 4096, 1), [len(logits)], torch.ones(()))

    fresh = torch.full((1, 1, 64, 64), -0.95)
    fresh[..., 16:48, 16:32], fresh[..., 16:48, 32:48] = -0.1, 0.9
    pictures = [
        from_network_ab(GroundedColorizer(Shirt()).colorize(seen, ["a red and white shirt"]).ab)[0].norm(dim=0)
        for seen in (fresh, 0.25 * fresh)
    ]
    for chroma in pictures:
        assert chroma[20:44, 18:30].min() > 25
        assert chroma[20:44, 34:46].max() < 10
        assert chroma[:12].max() < 1
        assert chroma[12:16, 16:32].mean() < 0.5 * chroma[16:20, 16:32].mean()  # the halo
    assert (pictures[0] - pictures[1]).abs().mean() < 3


def bright_thing(size: int = 112) -> tuple[Tensor, Tensor]:
    """L* of a bright square on a dark ground, whose outlines are those of the square, and the square."""
    thing = torch.zeros(size, size)
    thing[40:72, 40:72] = 1
    return 20 + 60 * thing, thing


def test_a_place_known_by_cells_ends_at_the_edge_of_the_photo() -> None:
    """Its halo of four pixels loses most of its color, the thing nearly nothing."""
    lightness, thing = bright_thing()
    place = torch.zeros(1, 112, 112)
    place[:, 36:76, 36:76] = 1
    found = within_edges(lightness, place)[0]
    halo = (place[0] - thing).bool()
    assert found[thing.bool()].mean() > 0.95
    assert found[halo].mean() < 0.4
    assert (found <= place).all()


def test_a_place_fills_what_no_edge_parts_from_it() -> None:
    """A shirt of which cells knew one half for sure, and the other hardly; what surrounds it is surely none of it."""
    lightness, thing = bright_thing()
    place = thing.clone()[None]
    place[:, :, 56:] *= 0.45
    found = within_edges(lightness, place)[0]
    assert found[thing.bool()].min() > 0.9
    assert found[~thing.bool()].max() < 0.1


def test_a_place_that_lightness_does_not_tell_stays_as_it_is() -> None:
    """Flat lightness says nothing of edges: a small place stays, where all neighbors would agree that it is none."""
    place = torch.zeros(1, 112, 112)
    place[:, 50:60, 50:60] = 1
    flat = torch.full((112, 112), 50.0)
    assert torch.allclose(within_edges(flat, place), place, atol=0.02)


def test_a_large_place_on_flat_lightness_stays_but_for_its_corners() -> None:
    place = torch.zeros(1, 112, 112)
    place[:, 40:72, 40:72] = 1
    found = within_edges(torch.full((112, 112), 50.0), place)
    assert found[:, 48:64, 48:64].min() > 0.9
    assert found[:, :36].max() < 0.1


def test_what_is_not_found_is_named_once() -> None:
    grounded, lightness = GroundedColorizer(Knowing()), torch.zeros(1, 1, 8, 8)
    assert grounded.not_found(lightness, "a red bus beside a blue and green unicorn") == ["unicorn"]
    assert grounded.not_found(lightness, "a bus") == []


def test_parts_too_small_for_grounding_color_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grounding takes the face for the eyes, and the network would tint it, too."""
    monkeypatch.setitem(PLACES, "eyes", slice(0, 8))
    sentence = "a boy with green eyes in a red bus"
    ab, system = colors([sentence])
    assert ab[0, :, 5:].abs().max() < 0.5
    assert system.asked[0] == "a boy with eyes in a bus"
    assert GroundedColorizer(system).not_found(torch.zeros(1, 1, 8, 8), sentence) == ["eyes"]


def test_one_of_a_kind_is_found_where_the_other_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of "left mug" and "right mug" grounding may know one name only, and see both mugs under it."""
    monkeypatch.setitem(PLACES, "left mug", slice(0, 8))
    sentence = "a red mug on the left, a blue mug on the right, and the left mug is green"
    assert GroundedColorizer(Knowing()).not_found(torch.zeros(1, 1, 8, 8), sentence) == []
    _, system = colors([sentence])
    assert system.asked[-1] == "a mug on the left, a mug on the right, and the left mug is"


def test_grounding_is_not_asked_for_the_order_of_a_sentence() -> None:
    assert [(one.thing, one.name, one.order) for one in said_colors(["a red cup beside a blue cup"])] == [
        ("first cup", "cup", 0),
        ("second cup", "cup", 1),
    ]


def test_the_side_that_a_sentence_names_decides_the_color() -> None:
    ab, _ = colors(["the upper cup is red and the lower cup is blue"])
    assert ab[0, 0, 0, 0] > ab[0, 0, 7, 0]
    assert ab[0, 1, 0, 0] > ab[0, 1, 7, 0]


def test_gray_takes_the_color_away_and_no_value_leaves_the_scale() -> None:
    ab, _ = colors(["a gray bus", "a neon green bus"])
    assert ab[0].abs().max() < 1
    assert torch.isfinite(ab).all()
    assert ab.abs().max() <= 110


def test_systems_without_grounding_are_focused() -> None:
    system = Knowing()
    assert isinstance(for_photos(system), GroundedColorizer)
    system.grounding = None
    assert isinstance(for_photos(system), FocusedColorizer)


@pytest.mark.parametrize("caption", ["red", "a photo", ""])
def test_nothing_is_said_of_captions_that_name_no_colored_thing(caption: str) -> None:
    assert said_colors([caption]) == []


def test_a_long_sentence_takes_bounded_work() -> None:
    said = said_colors(["a red car and " * 700, "a blue bus"])
    assert [color.caption for color in said] == [0] * MOST + [1]
    (last,) = said_colors([f"{'red ' * MOST}and white car"])[-1:]
    assert last.thing == "car"  # a color beyond the last that is grounded is no word of its thing
    assert len(said_colors(["the car is " + "red, " * 63 + "red car"])) == MOST  # not twice the work for each color


@pytest.mark.parametrize(
    ("thing", "is_wide"), [("floor", True), ("brick wall", True), ("lake", True), ("slides", True), ("cup", False)]
)
def test_what_is_wide_is_colored_where_it_is_less_sure(thing: str, is_wide: bool) -> None:
    place = torch.full((1, 40, 40), 0.9)
    place[..., 20:] = 0.4
    lightness = torch.full((40, 40), 50.0)
    lightness[:, 20:] = 80  # else what is less sure follows what is surer
    ab = painted(lightness, lightness, torch.zeros(2, 40, 40), place, said_colors([f"a red {thing}"]))
    assert ab[0, :, :10].mean() > 50
    assert (ab[0, :, 30:].mean() > 40) == is_wide
