"""Drawn scenes: the same everywhere, masks exact, colors as named, and sentences true of exactly one object."""

import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import max_pool2d

from lcoins.color.lab import join_lab, split_lab
from lcoins.color.words import find_colors
from lcoins.data.scenes.dataset import SCENE_COLORS, SPLITS, VOCABULARY, Scenes
from lcoins.data.scenes.drawing import draw_scene, largest_chroma
from lcoins.data.scenes.layout import DIAMETERS, HELD_OUT, KINDS, PATTERNS, SceneObject, plan_scene
from lcoins.data.scenes.sentences import describe
from lcoins.data.types import Sample, keyed_random

SIDES = ("top", "bottom", "left", "right", "middle")
RELATIONS = {
    "to the left of": lambda one, other: one[0] < other[0],
    "to the right of": lambda one, other: one[0] > other[0],
    "above": lambda one, other: one[1] < other[1],
    "over": lambda one, other: one[1] < other[1],
    "below": lambda one, other: one[1] > other[1],
    "under": lambda one, other: one[1] > other[1],
    "next to": lambda one, other: True,
    "beside": lambda one, other: True,
}


def mean_lab(sample: Sample) -> np.ndarray:
    """Mean (L*, a*, b*) within each mask: (K, 3)."""
    lab = torch.cat(split_lab(sample.rgb[None]), dim=1)[0]
    return torch.stack([lab[:, mask].mean(dim=1) for mask in sample.instances.masks]).numpy()


def centroid(mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean() + 0.5) / mask.shape[1], float(rows.mean() + 0.5) / mask.shape[0]


@pytest.mark.parametrize("split", SPLITS)
def test_a_scene_is_always_the_same(split: str) -> None:
    scenes = Scenes(split, 8, seed=3)
    again = pickle.loads(pickle.dumps(Scenes(split, 20, seed=3)))
    for index in (5, 0):
        one, other = scenes[index], again[index]
        assert torch.equal(one.rgb, other.rgb) and torch.equal(one.instances.masks, other.instances.masks)
        assert (one.caption, one.recolored, one.name) == (other.caption, other.recolored, other.name)
    assert not torch.equal(scenes[1].rgb, Scenes(split, 8, seed=4)[1].rgb)


def test_no_scene_occurs_in_two_splits_or_twice_in_one() -> None:
    pictures = [
        scene.rgb.numpy().tobytes() for split in SPLITS for scene in map(Scenes(split, 30).__getitem__, range(30))
    ]
    assert len(set(pictures)) == len(pictures)


def test_epochs_bring_new_scenes_in_training_only() -> None:
    train, longer, val = Scenes("train", 4), Scenes("train", 8), Scenes("val", 4)
    before = val[2]
    train.set_epoch(1)
    val.set_epoch(1)
    assert torch.equal(train[2].rgb, longer[6].rgb) and train[2].name == "train/00006" and train[2].index == 2
    assert torch.equal(val[2].rgb, before.rgb) and val[2].recolored == before.recolored


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("size", [32, 64])
def test_masks_are_disjoint_and_as_many_as_color_words(split: str, size: int) -> None:
    scenes = Scenes(split, 40, image_size=size)
    for sample in map(scenes.__getitem__, range(len(scenes))):
        masks, colors = sample.instances.masks, sample.instances.colors
        assert sample.rgb.shape == (3, size, size) and sample.rgb.dtype == torch.float32
        assert sample.rgb.min() >= 0 and sample.rgb.max() <= 1
        assert masks.shape == (len(colors), size, size) and masks.dtype == torch.bool
        assert len(colors) in ((4, 5, 6) if split == "many" else (2, 3, 4))
        assert masks.sum(dim=0).max() == 1
        assert masks.flatten(1).sum(dim=1).min() >= 0.01 * size * size
        assert sorted(found.word for found in find_colors(sample.caption)) == sorted(set(colors))


def test_objects_keep_a_gap_at_64_pixels() -> None:
    for scene in (*map(Scenes("train", 60).__getitem__, range(60)), *map(Scenes("many", 20).__getitem__, range(20))):
        masks = scene.instances.masks
        grown = max_pool2d(masks[None].float(), 3, stride=1, padding=1)[0]
        assert all(not (grown[i].bool() & masks[:i].any(dim=0)).any() for i in range(1, len(masks)))


@pytest.mark.parametrize("split", SPLITS)
def test_every_object_is_nearest_to_its_own_color_word(split: str) -> None:
    names, nominal = list(SCENE_COLORS), np.array([lab[1:] for lab in SCENE_COLORS.values()])
    scenes = Scenes(split, 100)
    for sample in map(scenes.__getitem__, range(len(scenes))):
        gaps = np.linalg.norm(mean_lab(sample)[:, None, 1:] - nominal, axis=-1)
        assert [names[i] for i in gaps.argmin(axis=1)] == list(sample.instances.colors)


def test_color_words_are_far_apart() -> None:
    ab = np.array([lab[1:] for lab in SCENE_COLORS.values()])
    gaps = np.linalg.norm(ab[:, None] - ab, axis=-1) + 1000 * np.eye(len(ab))
    assert len(ab) == 10 and gaps.min() >= 25


def test_lightness_goes_with_color_except_in_counter() -> None:
    def lightness(split: str) -> tuple[np.ndarray, np.ndarray]:
        scenes = Scenes(split, 120)
        samples = [scenes[i] for i in range(len(scenes))]
        natural = [SCENE_COLORS[color][0] for sample in samples for color in sample.instances.colors]
        return np.concatenate([mean_lab(sample)[:, 0] for sample in samples]), np.array(natural)

    for split in set(SPLITS) - {"counter"}:
        assert np.corrcoef(*lightness(split))[0, 1] > 0.75
    drawn, natural = lightness("counter")
    assert abs(drawn - natural).min() >= 24
    assert np.corrcoef(drawn, natural)[0, 1] < 0.1


def test_every_object_shows_in_gray() -> None:
    for index in range(60):
        sample = Scenes("counter", 60)[index]
        lightness = split_lab(sample.rgb[None])[0][0, 0]
        for mask in sample.instances.masks:
            near = max_pool2d(mask[None].float(), 5, stride=1, padding=2)[0].bool()
            edge = max_pool2d(mask[None].float(), 3, stride=1, padding=1)[0].bool()
            assert abs(lightness[mask].mean() - lightness[near & ~edge].mean()) > 8


def test_splits_repeat_kinds_as_promised() -> None:
    def repeats(split: str) -> list[bool]:
        planned = [plan_scene(split, keyed_random(i, split))[0] for i in range(200)]
        return [len({thing.kind for thing in objects}) < len(objects) for objects in planned]

    assert all(repeats("instances"))
    for split in ("clear", "counter", "recolor", "unobserved"):
        assert not any(repeats(split))
    for split in ("train", "val", "many"):
        assert 60 < sum(repeats(split)) < 140


def test_held_out_pairs_are_drawn_in_unobserved_only() -> None:
    assert set(HELD_OUT) == set(SCENE_COLORS) and set(HELD_OUT.values()) == set(KINDS)
    for split in SPLITS:
        things = [thing for i in range(300) for thing in plan_scene(split, keyed_random(i, split))[0]]
        held_out = [HELD_OUT[thing.color] == thing.kind for thing in things]
        assert all(held_out) if split == "unobserved" else not any(held_out)
        assert {thing.color for thing in things} == set(SCENE_COLORS)


def test_recolor_exchanges_one_word_for_a_color_not_in_the_sentence() -> None:
    scenes = Scenes("recolor", 60)
    for sample in map(scenes.__getitem__, range(len(scenes))):
        before, after = ([found.color for found in find_colors(text)] for text in (sample.caption, sample.recolored))
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert len(changed) == 1
        assert changed[0][1] not in before


def fits_clause(thing: SceneObject, clause: list[str], kinds: list[str]) -> bool:
    """Whether every attribute in a clause's words is true of the object."""
    place = " ".join(word for word in clause if word in SIDES)
    kind = next((word for word in clause if word in KINDS), kinds[0])
    patterns = [word for word in clause if word in PATTERNS]
    sizes = [word for word in clause if word in DIAMETERS]
    return (
        thing.kind == kind
        and (not place or thing.place == place)
        and all(word == thing.pattern for word in patterns)
        and all(word == thing.size for word in sizes)
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(split=st.sampled_from(SPLITS), number=st.integers(0, 10**6))
def test_a_sentence_is_true_of_exactly_one_object(split: str, number: int) -> None:
    rng = keyed_random(number, split)
    objects, distinguished_by = plan_scene(split, rng)
    sentence = describe(objects, distinguished_by, rng).sentence
    kinds = [thing.kind for thing in objects]
    by_color = {thing.color: thing for thing in objects}
    assert len(by_color) == len(objects)
    relation = next((phrase for phrase in RELATIONS if f" {phrase} " in sentence), None)
    clauses = sentence.split(f" {relation} ") if relation else re.split(", | and ", sentence)
    told = [next(by_color[word] for word in clause.split() if word in by_color) for clause in clauses]
    assert len(clauses) == len(objects) == len({thing.color for thing in told})
    for clause, thing in zip(clauses, told, strict=True):
        matching = [other for other in objects if fits_clause(other, clause.split(), kinds)]
        assert thing in matching
        assert len(matching) == 1 or (relation and relation not in ("next to", "beside") and len(objects) == 2)
    if relation:
        _, masks = draw_scene(objects, 48, rng, np.random.default_rng(number))
        one, other = (centroid(masks[objects.index(thing)]) for thing in told)
        assert RELATIONS[relation](one, other)


def test_claims_are_what_the_sentence_says() -> None:
    for number in range(200):
        rng = keyed_random(number, "claims")
        objects, distinguished_by = plan_scene("instances", rng)
        description = describe(objects, distinguished_by, rng)
        for thing, claims in zip(objects, description.claims, strict=True):
            assert set(claims) <= {thing.size, thing.pattern, thing.place}
            twins = [other for other in objects if other.kind == thing.kind and other is not thing]
            assert not any(set(claims) <= {twin.size, twin.pattern, twin.place} for twin in twins)
            attributes = {word for claim in claims if claim not in SIDES for word in claim.split()}
            assert attributes <= set(re.findall("[a-z]+", description.sentence))


def test_places_and_sizes_are_where_the_masks_are() -> None:
    for number in range(160):
        rng = keyed_random(number, "places")
        objects, _ = plan_scene("train" if number < 120 else "many", rng)
        _, masks = draw_scene(objects, 64, rng, np.random.default_rng(number))
        for thing, mask in zip(objects, masks, strict=True):
            x, y = centroid(mask)
            truths = {"left": x < 0.5, "right": x > 0.5, "top": y < 0.5, "bottom": y > 0.5}
            truths["middle"] = 1 / 3 < x < 2 / 3 or 1 / 3 < y < 2 / 3
            assert all(truths[word] for word in thing.place.split())
        small = [mask.any(axis=1).sum() for thing, mask in zip(objects, masks, strict=True) if thing.size == "small"]
        big = [mask.any(axis=1).sum() for thing, mask in zip(objects, masks, strict=True) if thing.size == "big"]
        assert not small or not big or 1.3 * max(small) < min(big)


def test_the_vocabulary_is_closed_and_used() -> None:
    used = set()
    for split in SPLITS:
        for number in range(300):
            rng = keyed_random(number, split)
            sentence = describe(*plan_scene(split, rng), rng).sentence
            assert sentence == sentence.lower()
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", sentence)
            used |= set(re.findall(r"\w+", sentence))
    assert used == set(VOCABULARY) - {"black", "white"}
    assert {word.word for word in find_colors(" ".join(VOCABULARY))} == {*SCENE_COLORS, "black", "white"}


def test_recolored_changes_every_color_word_and_nothing_else() -> None:
    scenes = Scenes("train", 50)
    samples = [scenes[i] for i in range(50)]
    for sample in samples:
        old, new = find_colors(sample.caption), find_colors(sample.recolored)
        assert len(old) == len(new) and all(a.word != b.word for a, b in zip(old, new, strict=True))
        assert set(re.findall(r"\w+", sample.recolored)) <= set(VOCABULARY) - {"black", "white"}
        assert not re.search(r"\ba orange|\ban [^o]", sample.recolored)


def test_largest_chroma_is_the_edge_of_srgb() -> None:
    chroma = torch.from_numpy(largest_chroma())[:, 10:96]
    hue = torch.arange(180).view(-1, 1) * torch.pi / 90
    lightness = torch.arange(10.0, 96.0).expand(180, -1)[None, None]

    def excess(scale: float) -> torch.Tensor:
        ab = torch.stack([scale * chroma * hue.cos(), scale * chroma * hue.sin()])[None]
        rgb = join_lab(lightness, ab, clip=False)
        return torch.maximum(-rgb, rgb - 1).amax(dim=1)

    assert excess(1.0).max() < 1e-3
    assert excess(1.1).min() > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("test", 5), "train, val, clear"), (("val", 0), "length"), (("val", 5, 8), "image_size")],
)
def test_wrong_arguments_are_named(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scenes(*arguments)


def test_scenes_end() -> None:
    with pytest.raises(IndexError, match="scene 3 of 3"):
        Scenes("val", 3)[3]
    assert len(list(Scenes("val", 3))) == 3


def test_further_views_differ_in_colors_alone() -> None:
    """The same lightness and masks, and a sentence that names the new colors in place of the old ones."""
    plain, scenes = Scenes("train", 12, 48, seed=3), Scenes("train", 12, 48, seed=3, views=3)
    for index in range(12):
        first, *others = scenes[index].views
        assert torch.equal(first.rgb, plain[index].rgb)
        assert (first.caption, first.recolored) == (plain[index].caption, plain[index].recolored)
        assert len(others) == 2
        for view in others:
            before, after = split_lab(first.rgb[None]), split_lab(view.rgb[None])
            assert (before[0] - after[0]).abs().mean() < 1
            outside = ~first.instances.masks.any(dim=0)
            far = outside & (max_pool2d((~outside)[None].float(), 5, stride=1, padding=2)[0] == 0)
            assert (before[1] - after[1])[0, :, far].abs().max() < 3
            assert torch.equal(view.emphasis > 0, ~outside)
            assert torch.equal(view.instances.masks, first.instances.masks)
            assert sorted(found.color for found in find_colors(view.caption)) == sorted(view.instances.colors)
            assert not set(zip(first.instances.colors, view.instances.colors, strict=True)) & {
                (color, color) for color in SCENE_COLORS
            }
            colored = re.compile(rf"\ban?(?= ({'|'.join(SCENE_COLORS)}))|\b({'|'.join(SCENE_COLORS)})\b")
            assert colored.sub("", view.caption) == colored.sub("", first.caption)


def test_views_never_show_a_pair_that_only_the_unobserved_split_has() -> None:
    for sample in (Scenes("train", 60, 48, seed=1, views=3)[index] for index in range(60)):
        for view in sample.views:
            kinds = [KINDS[int(view.labels[mask].mode().values) - 1] for mask in view.instances.masks]
            assert all(HELD_OUT[color] != kind for color, kind in zip(view.instances.colors, kinds, strict=True))


def test_no_view_is_refused() -> None:
    with pytest.raises(ValueError, match="views must be at least 1, not 0"):
        Scenes("train", 3, views=0)
