"""Names asked beside those of a sentence: the usual one of a rare one, and what is worn below a hat."""

import torch
from torch import Tensor

from lcoins.models.grounding import said_colors
from lcoins.models.other_names import USUAL, places_by_names

LEFT, RIGHT = torch.tensor([[0.9, 0.1]] * 2), torch.tensor([[0.1, 0.8]] * 2)


def places(captions: list[str], **known: Tensor) -> tuple[Tensor, list[tuple[int, str]]]:
    """The places of colors, where grounding knows these names only, and what it was asked."""
    asked: list[tuple[int, str]] = []

    def grounded(names: list[tuple[int, str]]) -> Tensor:
        asked.extend(names)
        return torch.stack([known.get(name.replace(" ", "_"), torch.full((2, 2), 0.1)) for _, name in names])

    return places_by_names(said_colors(captions), grounded), asked


def test_of_a_rare_name_and_the_usual_one_the_surer_is_kept() -> None:
    torch.testing.assert_close(places(["a red jeep"], car=LEFT)[0], LEFT[None])
    torch.testing.assert_close(places(["a red jeep"], car=RIGHT, jeep=LEFT)[0], LEFT[None])
    torch.testing.assert_close(places(["the left army jeep is red"], left_car=LEFT)[0], LEFT[None])


def test_the_usual_name_is_not_asked_where_the_sentence_means_another_thing_by_it() -> None:
    found, asked = places(["a red jeep beside a blue car"], car=LEFT)
    assert asked == [(0, "car"), (0, "jeep")]
    assert found[0].amax() < 0.25


def test_clothes_that_are_not_found_go_by_the_names_of_others_worn_so() -> None:
    torch.testing.assert_close(places(["a red bathrobe"], coat=LEFT)[0], LEFT[None])
    torch.testing.assert_close(places(["a red bathrobe"], coat=LEFT, bathrobe=RIGHT)[0], RIGHT[None])
    assert places(["a red bathrobe and a blue shirt"], shirt=LEFT)[0][0].amax() < 0.25
    torch.testing.assert_close(places(["a red bathrobe and blue jeans"], coat=LEFT)[0][0], LEFT)


def test_the_place_of_a_hat_is_less_where_other_clothes_are_surer() -> None:
    both = torch.full((2, 2), 0.6)
    (hat,) = places(["a red hat"], hat=both, coat=RIGHT)[0]
    torch.testing.assert_close(hat[0, 0], torch.tensor(0.6))
    assert hat[0, 1] < 0.2
    torch.testing.assert_close(places(["a red hat"], hat=both)[0][0], both, atol=0.01, rtol=0)


def test_each_caption_has_its_own_names_in_ascending_order() -> None:
    found, asked = places(["a blue jeep", "a red hat", "a red jeep and a green jeep"], car=LEFT)
    assert [number for number, _ in asked] == sorted(number for number, _ in asked)
    assert len(asked) == len(set(asked))
    assert found.shape == (4, 2, 2)


def test_usual_names_are_no_rare_ones() -> None:
    assert not {word for name in USUAL.values() for word in name.split()} & USUAL.keys()
