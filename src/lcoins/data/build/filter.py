"""Drops unusable photos from a list: missing ones, damaged ones, and near-gray ones, which have no color to learn."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import track

from lcoins.data.build.manifest import Captions
from lcoins.data.pairs import Problem
from lcoins.data.validate import MISSING
from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.imaging.near_gray import is_near_gray

NEAR_GRAY = "near-gray photo"


def find_problem(
    path: Path, photo: str, where: str, *, keep_gray: bool, if_missing: str, if_gray: str
) -> Problem | None:
    """The problem of the photo at ``path``, if it has one.

    Args:
        path: the file of the photo.
        photo: its name in the list.
        where: the list or folder that a report names.
        keep_gray: whether a near-gray photo is no problem.
        if_missing: what to do about a missing photo.
        if_gray: what to do about a near-gray one.
    """
    try:
        gray = is_near_gray(load_photo(path, (64, 64), profile=False))
    except FileNotFoundError:
        return Problem(where, photo, MISSING, if_missing)
    except PhotoError as error:
        return Problem(where, photo, error.kind, error.advice, error.detail)
    return Problem(where, photo, NEAR_GRAY, if_gray) if gray and not keep_gray else None


def drop_photos(
    captions: Captions, find: Callable[[str], Problem | None], problems: list[Problem], progress_text: str
) -> None:
    """Removes the photos with a problem from ``captions`` and adds the problem to ``problems``.

    ``find`` is called for every photo, in parallel, and returns its problem or None.
    """
    photos = list(captions)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for photo, problem in track(zip(photos, pool.map(find, photos), strict=True), progress_text, len(photos)):
            if problem is not None:
                problems.append(problem)
                del captions[photo]
