"""Does the named thing of a photo take the named color, and only it? The obedience benchmark on real photos.

A thing's answer is its mean ab inside its mask, of the network's colors at the protocol's size, brought into sRGB at
the photo's own lightness. Beside the system stand a gray picture, the photo's own colors, and an oracle that paints
the mask. See :mod:`lcoins.evaluation.asked_colors` for what is asked.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import max_pool2d

from lcoins.color.hints import Hint, place, with_hints
from lcoins.color.iscc_nbs import may_be_called
from lcoins.color.lab import fit_gamut, from_network_ab, network_input, resize_ab
from lcoins.color.words import COLOR_LAB
from lcoins.evaluation.asked_colors import Question
from lcoins.evaluation.averages import LEAST_PHOTOS
from lcoins.models.colorizer import ColorizationSystem

HIT_ANGLE = 30.0  # degrees of hue between a thing and the color asked for
HIT_CHROMA = 12.0  # units of ab below which a thing counts as gray
WAY = 45.0  # units of ab that count as the whole way to a color
RING = 12  # pixels around a mask in which color bleeds
RESAMPLES = 1000
SENTENCES_AT_ONCE = 16  # in one pass of the network
SIZES = ((0.0, 0.05), (0.05, 0.12), (0.12, 1.0))  # a thing's share of the photo

Answer = dict[str, Any]


@dataclass(frozen=True, eq=False)
class PhotoThings:
    """A photo at the protocol's size: L* (1, 1, S, S), ab (1, 2, S, S), disjoint masks (K, S, S), and its questions."""

    name: str
    lightness: Tensor
    ab: Tensor
    masks: NDArray[np.bool_]
    questions: Sequence[Question]


@torch.inference_mode()
def colors_of(
    system: ColorizationSystem, photo: PhotoThings, captions: Sequence[str], device: torch.device | str = "cpu"
) -> Tensor:
    """The system's ab (N, 2, S, S) for N captions of one photo, in CIELAB units and inside sRGB, on the CPU.

    Raises ValueError where the system gives a value that is not finite.
    """
    seen = network_input(photo.lightness, system.image_size).to(device)
    parts = [list(captions[at : at + SENTENCES_AT_ONCE]) for at in range(0, len(captions), SENTENCES_AT_ONCE)]
    found = [system.colorize(seen.expand(len(part), -1, -1, -1), part).ab.float().cpu() for part in parts]
    ab = from_network_ab(torch.cat(found))
    if not bool(ab.isfinite().all()):
        raise ValueError(
            f"the system gave a non-finite ab for {photo.name}; train again or take another checkpoint or package"
        )
    return _in_gamut(photo, resize_ab(ab, (photo.lightness.shape[-2], photo.lightness.shape[-1])))


def sentence_colors(
    system: ColorizationSystem, photo: PhotoThings, device: torch.device | str = "cpu"
) -> Mapping[str, Tensor]:
    """The system's ab (2, S, S) for each sentence of the photo's questions, their references among them."""
    captions = list(dict.fromkeys(text for one in photo.questions for text in (one.caption, one.reference)))
    return dict(zip(captions, colors_of(system, photo, captions, device), strict=True)) if captions else {}


def hinted_colors(photo: PhotoThings, ab: Mapping[str, Tensor], by: str) -> Mapping[str, Tensor]:
    """Colors of :func:`sentence_colors` after each asked thing got its color by hand, and "gray" for the reference.

    With ``by`` "masks" the hint is the thing's mask, with "places" the place of it that lies farthest from its edge.
    """
    hinted: dict[str, Tensor] = {}
    for question in photo.questions:
        for sentence, given in ((question.caption, None), (question.reference, "gray")):
            if sentence in hinted:  # questions share references, and then the things that these name
                continue
            hints = [
                Hint(COLOR_LAB[given or color], *_by_hand(photo.masks[index], by)) for index, color in question.asked
            ]
            hinted[sentence] = _in_gamut(photo, with_hints(photo.lightness, ab[sentence][None], hints))[0]
    return hinted


def _by_hand(mask: NDArray[np.bool_], by: str) -> tuple[Tensor, bool]:
    """The region of a hint for a thing, and whether it spreads."""
    if by == "masks":
        return torch.from_numpy(mask).float(), False
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = (int(index) for index in np.unravel_index(depth.argmax(), depth.shape))
    return place(x + 0.5, y + 0.5, (mask.shape[1], mask.shape[0]), len(mask)), True


def painted(photo: PhotoThings, question: Question, color: str | None = None) -> Tensor:
    """The oracle's ab (1, 2, S, S): the photo's own, each asked thing in its color's typical ab, or in ``color``."""
    ab = photo.ab.clone()
    for index, asked in question.asked:
        mask = torch.from_numpy(photo.masks[index])
        ab[0, :, mask] = torch.tensor(COLOR_LAB[color or asked][1:])[:, None]
    return _in_gamut(photo, ab)


def _in_gamut(photo: PhotoThings, ab: Tensor) -> Tensor:
    return fit_gamut(photo.lightness.expand(len(ab), -1, -1, -1), ab)


def answers(photo: PhotoThings, ab: Mapping[str, Tensor]) -> list[Answer]:
    """One row per thing that the photo's questions ask for, of gray, truth, oracle and the system.

    ``ab`` is the system's, of :func:`sentence_colors`.
    """
    rows: list[Answer] = []
    for question in photo.questions:
        pictures = {
            "gray": (torch.zeros_like(photo.ab[0]),) * 2,
            "truth": (photo.ab[0],) * 2,
            "oracle": (painted(photo, question, "gray")[0], painted(photo, question)[0]),
            "system": (ab[question.reference], ab[question.caption]),
        }
        for who, (before, after) in pictures.items():
            rows += judge(photo, question, before, after, who)
    return rows


def judge(photo: PhotoThings, question: Question, before: Tensor, after: Tensor, who: str) -> list[Answer]:
    """One row for each thing asked for, from the answers ab (2, S, S) to the reference and to the question.

    ``hit``: the mean ab inside lies within 30 degrees of the asked hue and at least 12 from gray. ``hit_nbs``: the
    ISCC-NBS name of the mean color holds the word. ``way``: movement of the inside from ``before`` towards the color,
    as a share of 45 units of ab, any sign. ``outside`` and ``ring``: the same over all that was not asked for, and
    over 12 pixels around the mask. ``others``: the same over the things that the photo's other questions ask for, or
    None where there are none.
    """
    all_asked = np.logical_or.reduce([photo.masks[index] for index, _ in question.asked])
    asked_elsewhere = {index for other in photo.questions for index, _ in other.asked}
    of_others = np.logical_or.reduce([photo.masks[index] for index in asked_elsewhere]) & ~all_asked
    others = torch.from_numpy(of_others) if of_others.any() else None
    moved = (after - before).double()
    rows = []
    for index, color in question.asked:
        inside = torch.from_numpy(photo.masks[index])
        grown = max_pool2d(inside[None, None].float(), 2 * RING + 1, stride=1, padding=RING)[0, 0] > 0
        outside = ~torch.from_numpy(all_asked)
        direction = torch.tensor(COLOR_LAB[color][1:], dtype=torch.float64)
        direction /= direction.norm()
        along = torch.einsum("c,chw->hw", direction, moved) / WAY
        mean = after[:, inside].double().mean(dim=1)
        chroma = float(mean.norm())
        angle = math.degrees(math.acos(max(-1.0, min(1.0, float(mean @ direction) / max(chroma, 1e-9)))))
        level = float(photo.lightness[0, 0][inside].mean())
        rows.append(
            {
                "system": who,
                "task": question.task,
                "photo": photo.name,
                "caption": question.caption,
                "kind": question.kind,
                "color": color,
                "share": float(inside.double().mean()),
                "lightness": level,
                "hit": chroma >= HIT_CHROMA and angle <= HIT_ANGLE,
                "hit_nbs": may_be_called((level, float(mean[0]), float(mean[1])), color),
                "way": float(along[inside].mean()),
                "outside": float(along[outside].mean()) if bool(outside.any()) else 0.0,
                "ring": float(along[grown & outside].mean()) if bool((grown & outside).any()) else 0.0,
                "others": float(along[others].mean()) if others is not None else None,
            }
        )
    return rows


def summary(rows: Sequence[Answer], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Figures with 95 % intervals of each system and task: ``{system: {task: {figure: [value, low, high], "n": n}}}``.

    ``spill`` is the movement outside over that inside, ``bleeding`` that in the ring over that inside, both of the
    means; ``stray`` that of other things of the photo, which shows whether nouns are read: a network that paints the
    likeliest thing whatever it is called has 1; ``both``, of the tasks ``instances`` and ``kinds``, the share of
    questions of which every thing is a hit.
    The intervals are those of a bootstrap over photos; both ends are None with fewer than LEAST_PHOTOS.
    """
    found: dict[str, dict[str, Any]] = {}
    for system in dict.fromkeys(row["system"] for row in rows):
        own = [row for row in rows if row["system"] == system]
        found[system] = {
            task: figures([row for row in own if row["task"] == task], seed)
            for task in dict.fromkeys(row["task"] for row in own)
        }
    return found


def breakdown(rows: Sequence[Answer], seed: int = 0) -> dict[str, dict[str, Any]]:
    """The figures of one system's rows by color, by the thing's size and by its kind (kinds of at least ten rows)."""
    kinds = {kind for kind in {row["kind"] for row in rows} if sum(row["kind"] == kind for row in rows) >= 10}
    groups: dict[str, dict[str, list[Answer]]] = {"color": {}, "size": {}, "kind": {}}
    for row in rows:
        groups["color"].setdefault(row["color"], []).append(row)
        low, high = next(bounds for bounds in SIZES if bounds[0] <= row["share"] < bounds[1] or bounds[1] == 1.0)
        groups["size"].setdefault(f"{100 * low:.0f}-{100 * high:.0f} %", []).append(row)
        if row["kind"] in kinds:
            groups["kind"].setdefault(row["kind"], []).append(row)
    found = {by: {name: figures(own, seed) for name, own in sorted(ones.items())} for by, ones in groups.items()}
    return found | {"size": dict(sorted(found["size"].items(), key=lambda one: int(one[0].partition("-")[0])))}


def figures(rows: Sequence[Answer], seed: int = 0) -> dict[str, Any]:
    """The figures of :func:`summary` for some rows of one system."""
    photos = {photo: index for index, photo in enumerate(dict.fromkeys(row["photo"] for row in rows))}
    names = ("hit", "hit_nbs", "way", "outside", "ring")
    # Their sums by photo; rows, movement of others, that of the thing beside others, questions, questions all hit.
    sums = np.zeros((len(photos), len(names) + 5))
    for row in rows:
        sums[photos[row["photo"]], : len(names)] += [float(row[name]) for name in names]
        sums[photos[row["photo"]], len(names)] += 1
        if row["others"] is not None:
            sums[photos[row["photo"]], len(names) + 1 : len(names) + 3] += (row["others"], row["way"])
    for (photo, _), hits in _by_question(rows).items():
        sums[photos[photo], -2:] += (1, all(hits))
    rng = np.random.default_rng(seed)
    drawn = [sums[rng.integers(0, len(photos), len(photos))].sum(axis=0) for _ in range(RESAMPLES)]
    values, resampled = _figures(sums.sum(axis=0)[None]), _figures(np.stack(drawn))
    if all(len(hits) == 1 for hits in _by_question(rows).values()):
        del values["both"]
    found: dict[str, Any] = {"things": len(rows), "photos": len(photos)}
    for name, value in values.items():
        if math.isnan(value[0]):
            continue  # nothing moved, so there is no share of it to give
        ends = np.nanquantile(resampled[name], (0.025, 0.975)).tolist()
        interval = [None, None] if len(photos) < LEAST_PHOTOS else [round(end, 4) for end in ends]
        found[name] = [round(float(value[0]), 4), *interval]
    return found


def _figures(sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    hit, hit_nbs, way, outside, ring, count, others, way_beside, asked, both = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(np.abs(way) > 1e-9 * count, way, np.nan)
        return {
            "hit": hit / count,
            "hit_nbs": hit_nbs / count,
            "way": way / count,
            "spill": outside / moved,
            "bleeding": ring / moved,
            "stray": others / np.where(np.abs(way_beside) > 1e-9 * count, way_beside, np.nan),
            "both": both / asked,
        }


def _by_question(rows: Iterable[Answer]) -> Mapping[tuple[str, str], list[bool]]:
    found: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        found.setdefault((row["photo"], row["task"] + row["caption"]), []).append(row["hit"])
    return found
