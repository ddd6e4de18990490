"""Takes photos that cannot serve out of a list: missing, damaged, or without color to learn from."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import track

from lcoins.data.build.manifest import Captions
from lcoins.data.caption_lists import Problem
from lcoins.data.validate import MISSING
from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.imaging.near_gray import is_near_gray

NEAR_GRAY = "near-gray photo"


def fault_of(path: Path, photo: str, where: str, *, keep_gray: bool, if_missing: str, if_gray: str) -> Problem | None:
    """What is wrong with the photo at ``path``, with the advice for a missing and for a near-gray one."""
    try:
        gray = is_near_gray(load_photo(path, (64, 64), profile=False))
    except FileNotFoundError:
        return Problem(where, photo, MISSING, if_missing)
    except PhotoError as error:
        return Problem(where, photo, error.kind, error.advice, error.detail)
    return Problem(where, photo, NEAR_GRAY, if_gray) if gray and not keep_gray else None


def sift(captions: Captions, judge: Callable[[str], Problem | None], problems: list[Problem], doing: str) -> None:
    """Asks ``judge`` about every photo, in parallel; those with a problem leave the list, and the problem is kept."""
    photos = list(captions)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for photo, problem in track(zip(photos, pool.map(judge, photos), strict=True), doing, len(photos)):
            if problem is not None:
                problems.append(problem)
                del captions[photo]
