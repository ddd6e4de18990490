"""Model configs from files of others: what they may name, and which values they may have.

The rule is that nothing received executes, fetches or reads elsewhere. :mod:`lcoins.models.build` builds nothing but
parts of lcoins; here a config is confined to weights and words that installed packages carry, or that lie in the
file's own folder under ``text/``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lcoins.files import open_whole
from lcoins.models.backbones.bert_weights import CARRIED_WORDS, bert_folder
from lcoins.models.backbones.pretrained import PACKAGED_BACKBONES
from lcoins.models.build import expect_lcoins_classes

TEXT = "text"  # the folder of a text encoder's own files, in a package or a run
TEXT_FILES = ("config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
LARGEST_NUMBER = 100_000  # of layers, channels, pixels ... in a config
DEEPEST = 20  # dictionaries within dictionaries
MOST_VALUES = 100_000  # in a config; a checkpoint may hold one list in many places


def received_model(model: Any, folder: Path, source: str) -> dict[str, Any]:
    """The model config of a file as it may be built; ValueError, which names ``source``, for any other.

    Pretrained weights stay those of installed packages, and others become "none", since the file brings its own. Words
    are those of an installed package or of ``text/`` in ``folder``.
    """
    expect_plain(model, source)
    if not isinstance(model, Mapping) or "_target_" not in model:
        raise ValueError(
            f"{source}: expected the config of a model, got {_short(model)}; take a file that lcoins wrote"
        )
    expect_lcoins_classes(model, source)
    confined = _carried_weights(model)
    text = confined.get("text_encoder")
    if not isinstance(text, Mapping) or "source" not in text or text["source"] in CARRIED_WORDS:
        return confined
    words = folder / TEXT
    if not (words / "vocab.txt").is_file():
        raise ValueError(
            f"{source} has the words of text encoder {_short(text['source'])}, which no installed package carries, and "
            f"no {words}; copy the whole run or package, or put vocab.txt and config.json there"
        )
    return {**confined, "text_encoder": {**text, "source": str(words)}}


def keep_words(model: Mapping[str, Any], folder: Path) -> bool:
    """Copies the files of a text encoder that no installed package carries into ``text/`` of a run or package.

    Returns whether there were any.
    """
    source = model.get("text_encoder", {}).get("source")
    if source is None or source in CARRIED_WORDS:
        return False
    found = bert_folder(source)
    for name in TEXT_FILES:
        if (found / name).is_file() and found.resolve() != (folder / TEXT).resolve():
            with open_whole(folder / TEXT / name) as file:
                file.write((found / name).read_bytes())
    return True


def expect_plain(config: Any, source: str, path: str = "") -> None:
    """Refuses a config from a file that holds anything but plain values, or an interpolation, which could read more.

    Raises ValueError for values of other kinds, texts with ``${``, endless nesting, and more values than any config
    has.
    """
    values = 1
    waiting: list[tuple[Any, str, int]] = [(config, path, 0)]
    while waiting:
        value, path, depth = waiting.pop()
        at = f"{source}: {path.lstrip('.') or 'its config'}"
        if depth > DEEPEST:
            raise ValueError(f"{at} is nested too deeply for a config; take a file that lcoins wrote")
        if isinstance(value, (Mapping, list, tuple)):
            values += len(value)  # before they are taken up, since one list may be larger than the memory has room for
            if values > MOST_VALUES:
                raise ValueError(
                    f"{at} brings more than {MOST_VALUES:,} values, too many for a config; take a file that lcoins "
                    f"wrote"
                )
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise ValueError(f"{at}: expected names as keys, got {_short(key)}; take a file that lcoins wrote")
                waiting.append((inner, f"{path}.{key}", depth + 1))
        elif isinstance(value, (list, tuple)):
            waiting += [(inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(value)]
        elif isinstance(value, str):
            if "${" in value:
                raise ValueError(
                    f"{at} is {_short(value)}: an interpolation is not resolved for a file; write its value"
                )
        elif value is not None and not isinstance(value, (int, float)):
            raise ValueError(f"{at}: expected a plain value, got {type(value).__name__}; take a file that lcoins wrote")


def expect_numbers(model: Mapping[str, Any], source: str, path: str = "model") -> None:
    """Refuses numbers that are not finite or beyond LARGEST_NUMBER, for which no memory suffices."""
    for key, value in model.items():
        if isinstance(value, Mapping):
            expect_numbers(value, source, f"{path}.{key}")
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, (int, float)) and not abs(number) <= LARGEST_NUMBER:
                raise ValueError(f"{source}: {path}.{key} is {number}, which no model of lcoins has")


def _carried_weights(config: Any) -> Any:
    """A config whose every ``init`` names weights of an installed package, or is "none"."""
    if not isinstance(config, Mapping):
        return config
    carried = (config.get("init") == "package" and config.get("backbone") in PACKAGED_BACKBONES) or (
        config.get("init") == "pretrained" and config.get("source") == "minilm"
    )
    kept = {key: _carried_weights(value) for key, value in config.items()}
    return kept | ({} if carried or "init" not in kept else {"init": "none"})


def _short(value: Any) -> str:
    text = json.dumps(value, default=lambda other: type(other).__name__)
    return text if len(text) <= 60 else f"{text[:57]}..."
