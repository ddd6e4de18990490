"""A BLIP of a few thousand weights that has learned one sentence."""

from pathlib import Path

import torch

WORDS = [f"[{word}]" for word in ("PAD", "UNK", "CLS", "SEP", "MASK", "DEC", "ENC")]
WORDS += ["a", "black", "and", "white", "photo", "of", "dog", "on", "the", "sofa"]
SIZES = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def write_captioner(folder: Path, caption: str) -> Path:
    """Writes a captioner to a new folder, as ``save_pretrained`` does; to any photo it says ``caption`` of WORDS."""
    from transformers import (
        BertTokenizerFast,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), bos_token="[DEC]")
    special = {name: WORDS.index(f"[{word}]") for name, word in (("pad_token_id", "PAD"), ("bos_token_id", "DEC"))}
    end = WORDS.index("[SEP]")
    text = {**SIZES, **special, "vocab_size": len(WORDS), "encoder_hidden_size": 32, "max_position_embeddings": 64}
    config = BlipConfig(
        text_config={**text, "eos_token_id": end, "sep_token_id": end},
        vision_config={**SIZES, "image_size": 32, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(config)
    processor = BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer)
    tokens = torch.tensor([[special["bos_token_id"], *(WORDS.index(word) for word in caption.split()), end]])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        loss = model(pixel_values=torch.randn(1, 3, 32, 32), input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
