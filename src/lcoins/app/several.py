"""Several photos at once, by one sentence or by a list that came with them, into one ZIP: bounded, photo by photo."""

import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lcoins.app.line import Line, Wait
from lcoins.app.sessions import remove_photo, second_name
from lcoins.app.studio import InputError, Studio, expect_short, in_words, sentences
from lcoins.colorize.batch import BatchResult, PhotoOptions, color_job
from lcoins.colorize.jobs import Job, plan
from lcoins.data.caption_lists import LIST_SUFFIXES, PAIRS_SUFFIX
from lcoins.files import stops_all

MOST_PHOTOS = 60  # of one ZIP
MOST_PICTURES = 120  # of one ZIP: of several sentences a photo has several
MOST_SECONDS = 1800.0  # from the first photo to the last, with the waiting for others
LIST_BYTES = 2**20
ZIP_NAME, LEFT_OUT = "colored_photos.zip", "not_colored.txt"


class Several:
    """Photos to color in a ``folder`` of their own, one after the other; ``lines`` says what was not colored and why.

    Raises InputError where nothing can be begun: no photo, too many of them, no sentence, a list with bad rows.
    """

    def __init__(self, studio: Studio, folder: Path, uploads: Sequence[Path], text: str, strength: float) -> None:
        self.studio, self.folder = studio, folder
        self.lines: list[str] = []
        self.colored, self.closed = 0, False
        self.started = time.monotonic()
        photos, listed = self._received(uploads)
        self.pictures = folder / "pictures"
        self.options = PhotoOptions(
            self.pictures, strength=strength, device=studio.device, max_pixels=studio.max_pixels
        )
        try:
            self.jobs = plan([listed] if listed else photos, [] if listed else sentences(text), self.pictures)
        except InputError:
            raise
        except (ValueError, OSError) as error:
            raise InputError(self._plainly(error)) from error
        self.jobs = [self._with_photo(job, photos) for job in self.jobs]
        count = sum(len(job.pictures) for job in self.jobs)
        if len(self.jobs) > MOST_PHOTOS or count > MOST_PICTURES:
            raise InputError(
                f"These are {len(self.jobs)} photos with {count} pictures; a ZIP takes {MOST_PHOTOS} photos with "
                f"{MOST_PICTURES} pictures."
            )
        if listed:
            expect_short(sentence for job in self.jobs for sentence, _ in job.pictures)
            left = sorted({photo.name for photo in photos} - {job.photo.name for job in self.jobs})
            self.lines += [f"{name}: not in the list" for name in left]

    async def run(self, line: Line, room: Callable[[], bool]) -> AsyncIterator[str]:
        """Colors photo by photo, each in its turn among those of others, and says which one is next."""
        for number, job in enumerate(self.jobs, start=1):
            yield f"Photo {number} of {len(self.jobs)} …"
            goes_on = True
            async for said in line.run(partial(self.color, job, room), "color", len(job.pictures)):
                goes_on = isinstance(said, Wait) or said
            if not goes_on:
                break

    def close(self) -> None:
        """Removes the photos and what was made of them, but not a finished ZIP."""
        self.closed = True
        remove_photo(self.folder, None)

    def color(self, job: Job, room: Callable[[], bool] = lambda: True) -> bool:
        """Adds the pictures of a photo to the ZIP, or a line on why there are none; whether to go on.

        ``room`` says whether the server has space for more.
        """
        name = self._name(job)
        left = self.jobs[self.jobs.index(job) :]
        if time.monotonic() - self.started > MOST_SECONDS:
            self.lines += [f"{self._name(one)}: not tried, half an hour is over" for one in left]
            return False
        if not room():
            self.lines += [f"{self._name(one)}: not tried, the server is full" for one in left]
            return False
        if not job.photo.is_file():
            self.lines.append(f"{name}: in the list, but not among the photos")
            return True
        try:
            with in_words():
                color_job(self.studio.colorizer, job, self.options, BatchResult())
            self._add(job)
        except (ValueError, OSError) as error:
            if stops_all(error):
                raise
            self.lines.append(f"{name}: {self._plainly(error)}")
            return True
        finally:
            if self.closed:
                self.close()  # again, for what was written since
        return True

    def _add(self, job: Job) -> None:
        """Moves the pictures of a photo into the ZIP, without compressing them again."""
        with zipfile.ZipFile(self.folder / ZIP_NAME, "a") as file:
            for target in job.targets:
                file.write(target, target.relative_to(self.pictures))
                target.unlink()
        self.colored += 1

    def finish(self) -> Path | None:
        """The ZIP, in a folder that is removed some time after its last use; None where no photo was colored."""
        if not self.colored:
            return None
        if self.lines:
            with zipfile.ZipFile(self.folder / ZIP_NAME, "a") as file:
                file.writestr(LEFT_OUT, "\n".join([*self.lines, ""]))
        return Path(shutil.move(self.folder / ZIP_NAME, tempfile.mkdtemp(prefix="zip-", dir=self.studio.folder)))

    def _received(self, uploads: Sequence[Path]) -> tuple[list[Path], Path | None]:
        """The photos, and the list if there is one, under their own names in one folder."""
        names = [path.name for path in uploads]
        lists = [path for path in uploads if path.suffix.lower() in LIST_SUFFIXES]
        if len(lists) == len(uploads):
            raise InputError("Choose photos first.")
        if len(uploads) > MOST_PHOTOS + 1:
            raise InputError(f"These are {len(uploads)} files; a ZIP takes {MOST_PHOTOS} photos.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"Two files are called {twice[0]}; rename one.")
        if len(lists) > 1 or any(path.suffix.lower() == PAIRS_SUFFIX for path in lists):
            raise InputError("Choose one list at most, such as a .csv with the header photo,caption.")
        with in_words():
            if lists and lists[0].stat().st_size > LIST_BYTES:
                raise InputError(f"The list {lists[0].name} is too large; a list may have a megabyte.")
            received = [second_name(path, self.folder / "photos") for path in uploads]
        listed = [path for path in received if path.suffix.lower() in LIST_SUFFIXES]
        return [path for path in received if path not in listed], listed[0] if listed else None

    def _with_photo(self, job: Job, photos: Sequence[Path]) -> Job:
        """The job of a list's row with its photo, of whose name a browser and Gradio leave some characters out."""
        alike = [photo for photo in photos if _letters(photo.name) == _letters(job.photo.name)]
        return replace(job, photo=alike[0]) if len(alike) == 1 and not job.photo.exists() else job

    def _name(self, job: Job) -> str:
        return job.photo.relative_to(self.folder / "photos").as_posix()

    def _plainly(self, error: Exception) -> str:
        """The text of an error without paths of the server."""
        return str(error).replace(f"{self.folder / 'photos'}/", "").replace(f"{self.pictures}/", "")


def _letters(name: str) -> str:
    """The letters and digits of a file's name, without quotation marks as a browser sends them."""
    return re.sub(r"%22|[\W_]", "", name)
