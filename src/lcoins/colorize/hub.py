"""Packages on the Hugging Face Hub: fetched by name, checked as any file received, and sent there with a model card.

Of a repository only the files of a package are fetched, none larger than LARGEST says; what they hold is then checked
as that of a local package is (:mod:`lcoins.models.received`). Libraries of the hub's own run no code of a repository.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcoins.colorize.model_card import model_card
from lcoins.files import WriteError, sha256_of, stops_all
from lcoins.models.checkpoint import INDEX, ONNX, WEIGHTS, load_package, read_index
from lcoins.models.received import TEXT, TEXT_FILES

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCHEME = "hf:/"  # what is left of hf:// in a Path, too
NAME = re.compile(r"hf:/{1,2}([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w./-]+))?", re.ASCII)
LARGEST = {INDEX: 20_000_000, WEIGHTS: 10_000_000_000}  # bytes
LARGEST_TEXT = 20_000_000  # bytes of each file of a text encoder
CARD = "README.md"


def is_on_hub(source: Path | str) -> bool:
    """Whether a source of weights is named as one on the hub, ``hf://owner/name`` or ``hf://owner/name@revision``."""
    return str(source).startswith(SCHEME)


def fetch_package(source: Path | str) -> Path:
    """The folder, in the hub's cache on this machine, of the package that ``hf://owner/name[@revision]`` names.

    Without a network, what was fetched before. Raises ValueError for a name of another form and for files that are too
    large; OSError where the hub, or something there, cannot be reached, and where the disk takes no more.
    """
    repository, revision = named(source)
    with _explained(repository):
        api = _api()
        index = _fetch(api, repository, revision, INDEX, LARGEST[INDEX])
        commit = index.parent.name  # the other files are of the same one, whatever is sent there meanwhile
        _fetch(api, repository, commit, WEIGHTS, LARGEST[WEIGHTS])
        text = read_index(index.parent)["model"].get("text_encoder")
        if isinstance(text, Mapping) and text.get("source") == TEXT:
            for name in TEXT_FILES:
                _fetch(api, repository, commit, f"{TEXT}/{name}", LARGEST_TEXT, name == "vocab.txt")
    return index.parent


def push_package(folder: Path, target: str, private: bool = False) -> str:
    """Sends a package to the hub, with a model card made from it, as one commit; gives the address of the commit.

    The package is loaded first, so that nothing broken is sent; nothing but its own files is. A repository that is not
    there is made. Raises ValueError for a ``target`` of another form or a package that is not whole; OSError without a
    token, or where the hub refuses.
    """
    repository, revision = named(target)
    _, index = load_package(folder)
    files = [WEIGHTS, *(f"{TEXT}/{name}" for name in TEXT_FILES if (folder / TEXT / name).is_file())]
    if "onnx" in index:
        if not (folder / ONNX).is_file() or sha256_of(folder / ONNX) != index["onnx"]["sha256"]:
            raise ValueError(f"{folder / ONNX} is missing or changed since the export; export the package again")
        files.append(ONNX)
    from huggingface_hub import CommitOperationAdd

    card = model_card(index, repository).encode()
    sent: list[Any] = [CommitOperationAdd(CARD, card)]
    sent += [CommitOperationAdd(name, str(folder / name)) for name in (*files, INDEX)]
    with _explained(repository):
        api = _api()
        api.create_repo(repository, private=private, exist_ok=True)
        done = api.create_commit(repository, sent, commit_message="Package of lcoins", revision=revision)
    return str(done.commit_url)


def named(source: Path | str) -> tuple[str, str | None]:
    """The repository that a source on the hub names, and its revision; ValueError for a name of another form."""
    found = NAME.fullmatch(str(source))
    if not found or ".." in str(source):
        raise ValueError(f"expected hf://owner/name or hf://owner/name@revision, got {str(source)!r}; correct it")
    return found[1], found[2]


def _api() -> "HfApi":
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="lcoins")


def _fetch(api: "HfApi", repository: str, revision: str | None, name: str, most: int, needed: bool = True) -> Path:
    """One file of a repository, in the cache; refused before it is fetched where it is said to be too large."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        size = api.hf_hub_download(repository, name, revision=revision, dry_run=True).file_size
        fits = size is not None and size <= most  # a server that says no size could send without end
        path = Path(api.hf_hub_download(repository, name, revision=revision)) if fits else None
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError as error:
        if not needed:
            return Path(name)
        raise ValueError(
            f"hf://{repository} holds no package of lcoins: it has no {name}; make one with lcoins export and send it "
            f"with lcoins push"
        ) from error
    if path is None or path.stat().st_size > most:
        raise ValueError(f"hf://{repository}: {name} has more than {most:,} bytes, which no package of lcoins has")
    return path


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    """Turns what huggingface_hub raises into one line that says what is wrong and what to do."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError as error:
        raise OSError(f"hf://{repository} has no such revision; leave @... out for its newest") from error
    except errors.RepositoryNotFoundError as error:  # also where it is gated
        raise OSError(
            f"there is no hf://{repository} for you: correct the name; if it is private or gated, log in with "
            f"`hf auth login` or set HF_TOKEN"
        ) from error
    except errors.HfHubHTTPError as error:
        number = error.response.status_code
        advice = (
            "a token that may do this is needed: log in with `hf auth login`, or set HF_TOKEN"
            if number in (401, 403)
            else "try again later"
        )
        raise OSError(f"the hub answered {number} for hf://{repository}; {advice}") from error
    except errors.LocalTokenNotFoundError as error:
        raise OSError(f"hf://{repository} needs a token: log in with `hf auth login`, or set HF_TOKEN") from error
    except ValueError:
        raise
    except Exception as error:  # huggingface_hub, its HTTP library and sockets each raise their own kinds
        if isinstance(error, OSError) and (error.filename or stops_all(error)):  # of this machine's disk
            where = error.filename or f"the copy of hf://{repository} in the hub's cache"
            raise WriteError(error.errno, error.strerror, where) from error
        reason = type(error.__cause__ or error).__name__
        raise OSError(
            f"the hub cannot be reached for hf://{repository} ({reason}), and it was not fetched before; check the "
            f"network, or copy the package by hand and give its folder"
        ) from error
