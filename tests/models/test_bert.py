"""BERT and its word pieces are those of transformers, to the last bit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BertTokenizer

from lcoins.models.backbones import bert_weights
from lcoins.models.backbones.bert import Bert
from lcoins.models.text_encoders import WordPieces

SIZE: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 20,
}


def words() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(0, 50, (3, 9))
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[1, 5:] = False
    return ids, mask


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "with dropout"])
def test_states_are_those_of_transformers(training: bool) -> None:
    """The same tensors by name and order, drawn alike from one seed, and the same states and dropout."""
    torch.manual_seed(0)
    published = BertModel(BertConfig(**SIZE), add_pooling_layer=False).train(training)
    torch.manual_seed(0)
    own = Bert(**SIZE).train(training)
    theirs = published.state_dict()
    assert list(theirs) == list(own.state_dict())
    assert all(torch.equal(value, theirs[name]) for name, value in own.state_dict().items())
    ids, mask = words()
    torch.manual_seed(1)
    expected = published(input_ids=ids, attention_mask=mask[:, None, None, :]).last_hidden_state
    torch.manual_seed(1)
    assert torch.equal(own(ids, mask), expected)


CAPTIONS = [
    "A Red car",
    "",
    "a t-shirt, size 3",
    "Ünïcode naïve café 漢字",
    "[UNK] [MASK] [SEP]",
    "red " * 100,
]


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("pad_mask", [False, True])
def test_word_pieces_are_those_of_transformers(special: bool, pad_mask: bool) -> None:
    tokenizer = BertTokenizer.from_pretrained(str(bert_weights.bert_folder("minilm")))
    expected = tokenizer(
        [caption or "[UNK]" for caption in CAPTIONS],
        add_special_tokens=special,
        padding="longest" if pad_mask else "max_length",
        truncation=True,
        max_length=24,
        return_tensors="pt",
    )
    found = WordPieces("minilm", 24, special, pad_mask)(CAPTIONS)
    assert torch.equal(found.ids, expected["input_ids"])
    if pad_mask:
        assert torch.equal(found.mask, expected["attention_mask"].bool())


def folder_of(weights: dict[str, torch.Tensor], folder: Path, **config: Any) -> str:
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **SIZE, **config}))
    return str(folder)


def test_the_oldest_published_files_are_read(tmp_path: Path) -> None:
    """As bert-base-uncased: ``bert.`` before each name, gamma and beta in the norms, heads beside it, in float16."""
    own = Bert(**SIZE).eval()
    old = {
        "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in own.half().state_dict().items()
    } | {"cls.predictions.bias": torch.zeros(3), "bert.pooler.dense.bias": torch.zeros(32)}
    found = bert_weights.build_bert(folder_of(old, tmp_path / "old"), "pretrained", None)
    assert all(torch.equal(value, own.float().state_dict()[name]) for name, value in found.state_dict().items())
    assert all(parameter.requires_grad for parameter in found.parameters())


def test_another_kind_or_size_is_refused(tmp_path: Path) -> None:
    weights = Bert(**SIZE).state_dict()
    with pytest.raises(ValueError, match=r"no BERT as published: .*'model_type': 'roberta'"):
        bert_weights.build_bert(folder_of(weights, tmp_path / "roberta", model_type="roberta"), "pretrained", None)
    with pytest.raises(ValueError, match=r"do not fit its config\.json: .* other shapes"):
        bert_weights.build_bert(folder_of(weights, tmp_path / "wide", intermediate_size=48), "pretrained", None)
    with pytest.raises(ValueError, match="BERT has no depth; it has vocab_size"):
        bert_weights.build_bert("minilm", "none", {"depth": 3})
    assert load_file(tmp_path / "wide" / "model.safetensors").keys() == weights.keys()


def test_a_caption_longer_than_the_table_of_positions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"positions for 20 word pieces, got 21; set model\.text_encoder\.max_length"):
        Bert(**SIZE)(torch.zeros(1, 21, dtype=torch.long), torch.ones(1, 21, dtype=torch.bool))
