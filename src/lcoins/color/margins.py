"""The margin around a printed photo, which is no part of its picture: where it ends, and coloring without it.

Scans show the paper around a print, its mount or the scanner's lid. A network sees the picture smaller for it, and
would color the paper.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

# Units of L* within which a pixel is of the margin's level, after a mean over 3 by 3 pixels. The first that shows a
# picture counts: a white sky is nearly as light as the paper, and grainy paper is not even.
LIKE = 4.0, 8.0
OUTSIDE, INSIDE = 0.15, 0.6  # shares of other pixels: at most in the margin, at least along the picture's edges
NARROWEST = 0.02  # of a side; less is no margin
PARTS = 6  # of an edge, all of which but one have the picture along them
SMALLEST = 0.6  # of a side; of the picture
AT_THE_RIM = 2  # pixels
LARGEST_OF_MARGINS = 2.5  # times the others: more is a sky or a wall in the picture; below, paper may be wider
TRIMS = 0, 1, 2, 4  # pixels that are cut off before a margin is looked for: edges are mixed, scans end in dark lines
LAYERS = 3  # the paper, its mount, and the scanner's lid

Box = tuple[int, int, int, int]  # the picture's first row and column, and the first ones after it


@dataclass(frozen=True)
class Margins:
    """The pictures of a batch of square photos within their margins, as boxes of (S, S) pixels; None without one."""

    boxes: Sequence[Box | None]

    def without(self, photos: Float[Tensor, "b c s s"]) -> Float[Tensor, "b c s s"]:
        """The pictures alone, each enlarged to the size of its photo."""
        return self._each(photos, _enlarged)

    def around(self, pictures: Float[Tensor, "b c s s"]) -> Float[Tensor, "b c s s"]:
        """The pictures' values brought back to their places, and 0 on the margins."""
        return self._each(pictures, _put_back)

    def tokens_around(self, assignment: Float[Tensor, "b n_grp n_img"], side: int) -> Float[Tensor, "b n_grp n_img"]:
        """Maps of the pictures' tokens, a square grid each, to maps of the photos of ``side`` pixels.

        A token of a margin is like the picture's nearest.
        """
        return self._each(assignment, lambda tokens, box: tokens[:, _tokens_within(box, side, tokens.shape[1])])

    def common(self) -> "Margins":
        """The one margin of a clip whose frames these are: the median where a third have one, else none.

        Near the least width a margin is found in some frames and not in others, and colors would flicker.
        """
        boxes = [box for box in self.boxes if box is not None]
        if 3 * len(boxes) < max(1, len(self.boxes)):
            return Margins([None])
        top, left, bottom, right = (int(median(positions)) for positions in zip(*boxes, strict=True))
        return Margins([(top, left, bottom, right)])

    def _each(self, values: Tensor, change: Callable[[Tensor, Box], Tensor]) -> Tensor:
        if not any(self.boxes):
            return values
        changed = [value if box is None else change(value, box) for value, box in zip(values, self.boxes, strict=True)]
        return torch.stack(changed)


def find_margins(lightness: Float[Tensor, "b 1 s s"]) -> Margins:
    """The margins of photos, given their L* in 0..100.

    A margin has one level all around, light or dark, and the picture in it has straight edges: a plate on a white cloth
    has none. Of 6,830 photos of today five are taken to have one: two do, two show a board on a table, and one a screen
    in the dark.
    """
    return Margins([_innermost(photo) for photo in lightness.float().cpu()[:, 0]])


def _innermost(photo: Float[Tensor, "s s"]) -> Box | None:
    """The box of the picture that has no margin of its own."""
    box: Box | None = None
    for _ in range(LAYERS):
        inner = _next_box(photo, box or (0, 0, len(photo), len(photo)))
        if inner is None:
            break
        box = inner
    return box


def _next_box(photo: Float[Tensor, "s s"], outer: Box) -> Box | None:
    """The box of the picture within the next margin inside of a box."""
    top, left, bottom, right = outer
    for trim in TRIMS:
        seen = top + trim, left + trim, bottom - trim, right - trim
        if _smaller_side(seen) < SMALLEST * len(photo):
            return None
        away = _away_from_rim(_enlarged(photo[None], seen)[0])
        for like in LIKE:
            picture = _picture(away > like)
            box = picture and _box_within(seen, picture, len(photo))
            if box is not None and _smaller_side(box) >= SMALLEST * len(photo):
                return box
    return None


def _smaller_side(box: Box) -> int:
    return min(box[2] - box[0], box[3] - box[1])


def _away_from_rim(photo: Float[Tensor, "s s"]) -> Float[Tensor, "s s"]:
    """How far, in units of L*, the pixels' surroundings are from the level at the rim."""
    smooth = avg_pool2d(photo[None], 3, stride=1, padding=1, count_include_pad=False)[0]
    rim = torch.cat([smooth[:AT_THE_RIM], smooth[-AT_THE_RIM:], smooth[:, :AT_THE_RIM].T, smooth[:, -AT_THE_RIM:].T])
    return (smooth - rim.median()).abs()


def _picture(other: Bool[Tensor, "s s"]) -> Box | None:
    """The box of the picture within one margin, if there is one, given which pixels are not of the rim's level."""
    side = len(other)
    (top, bottom), (left, right) = _extent(other), _extent(other.T)
    least = NARROWEST * side
    above, below, before, behind = top, side - bottom, left, side - right
    if min(above, below, before, behind) < least:
        return None
    wider, narrower = max(before, behind), min(before, behind)
    if above > LARGEST_OF_MARGINS * max(below, wider) or wider > LARGEST_OF_MARGINS * max(narrower, above, below):
        return None
    near = max(1, round(least))  # rows in which the edge of a photo that lies askew goes over from margin to picture
    rows, columns = other[:, left:right], other[top:bottom].T
    from_outside = (rows, top), (rows.flip(0), below), (columns, left), (columns.flip(0), behind)
    for seen, edge in from_outside:
        margin, near_edge = seen[: edge - near + 1], seen[max(0, edge - 3 * near) : edge - near + 1]
        parts = seen[edge + near : edge + 2 * near].float().mean(dim=0).tensor_split(PARTS)
        if max(_share(margin), _share(near_edge)) > OUTSIDE or sorted(map(_share, parts))[1] < INSIDE:
            return None
    return top + 1, left + 1, bottom - 1, right - 1


def _share(other: Tensor) -> float:
    return float(other.float().mean())


def _extent(other: Bool[Tensor, "h w"]) -> tuple[int, int]:
    """The first row of which half as much is other as of the row with the most, and the row after the last one."""
    share = other.float().mean(dim=1)
    rows = (share >= share.max() / 2).nonzero()
    return int(rows[0]), int(rows[-1]) + 1


def _box_within(outer: Box, inner: Box, side: int) -> Box:
    """The box, in pixels of the photo, of a box in the enlarged picture of another."""
    top, left, bottom, right = outer
    down, across = (bottom - top) / side, (right - left) / side
    return (
        top + round(inner[0] * down),
        left + round(inner[1] * across),
        top + round(inner[2] * down),
        left + round(inner[3] * across),
    )


def _enlarged(photo: Float[Tensor, "c s s"], box: Box) -> Float[Tensor, "c s s"]:
    top, left, bottom, right = box
    picture = photo[None, :, top:bottom, left:right]
    return interpolate(picture, photo.shape[-2:], mode="bilinear", align_corners=False)[0]


def _put_back(picture: Float[Tensor, "c s s"], box: Box) -> Float[Tensor, "c s s"]:
    top, left, bottom, right = box
    height, width = picture.shape[-2:]
    small = interpolate(picture[None], (bottom - top, right - left), mode="bilinear", align_corners=False)[0]
    return pad(small, (left, width - right, top, height - bottom))


def _tokens_within(box: Box, side: int, tokens: int) -> Int[Tensor, " n_img"]:
    """For each token of a photo, in reading order, the nearest token of its picture."""
    grid = round(tokens**0.5)
    centers = (torch.arange(grid) + 0.5) * side / grid
    rows, columns = (
        ((centers - first) / (last - first) * grid).long().clamp(0, grid - 1)
        for first, last in ((box[0], box[2]), (box[1], box[3]))
    )
    return (rows[:, None] * grid + columns[None, :]).flatten()
