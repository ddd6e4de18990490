"""The word encoder of the systems before transformers: a vocabulary from the training captions and a BiLSTM."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lcoins.color.words import split_words
from lcoins.models.backbones.pretrained import MissingWeightsError, read_word_vectors
from lcoins.models.text_encoders import Words


def vocabulary_of(texts: Iterable[str]) -> list[str]:
    """All words of the texts, by falling frequency and then alphabetically."""
    counts = Counter(word for text in texts for word in split_words(text))
    return sorted(counts, key=lambda word: (-counts[word], word))


class WordIds:
    """Captions to ids of whole words in lower case; padding and unknown words have id 0.

    Captions are cut to ``max_length`` words and padded, to that length if ``fixed``, else to the longest of the batch.
    """

    def __init__(self, vocabulary: Sequence[str], max_length: int, fixed: bool):
        self.ids = {word: index for index, word in enumerate(vocabulary, start=1)}
        self.max_length, self.fixed = max_length, fixed

    def __call__(self, captions: list[str]) -> Words:
        """Word ids; an empty caption is one unknown word."""
        rows = [split_words(caption)[: self.max_length] for caption in captions]
        length = self.max_length if self.fixed else max([1, *map(len, rows)])
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        indices = torch.full((len(rows), length), -1)
        mask = torch.zeros(len(rows), length, dtype=torch.bool)
        for row, words in enumerate(rows):
            ids[row, : len(words)] = torch.tensor([self.ids.get(word, 0) for word in words], dtype=torch.long)
            indices[row, : len(words)] = torch.arange(len(words))
            mask[row, : max(1, len(words))] = True
        return Words(ids, mask, indices)


class BiLSTMEncoder(nn.Module):
    """Embedding and one bidirectional LSTM layer: tokens and sentence, for LBIE, ML2018, Xie2018 and L-CoDe.

    The two directions are two layers: captions are mirrored by index, where a packed sequence would have to fetch the
    lengths from the device and wait for it.

    Args:
        vocabulary: null in the configs; a run fills in the words of its training captions when it starts.
        max_length: words at which a caption is cut.
        dim: width of a word's embedding.
        hidden: width of one direction; tokens and sentences are twice as wide.
        dropout: on the embeddings.
        init: ``none`` (embeddings uniform in +-0.1, as L-CoDe's) or a text file of word vectors as word2vec or GloVe
            write it.
        freeze: keeps vectors from a file as they are; without a file the embeddings are trained in any case.
        fixed_length: whether every caption is padded to ``max_length``.
    """

    def __init__(
        self,
        vocabulary: Sequence[str] | None,
        max_length: int,
        dim: int,
        hidden: int,
        dropout: float,
        init: str,
        freeze: bool = False,
        fixed_length: bool = False,
    ):
        super().__init__()
        words = list(vocabulary or ())
        self.tokenize = WordIds(words, max_length, fixed_length)
        self.embeddings = nn.Embedding(len(words) + 1, dim, padding_idx=0)
        nn.init.uniform_(self.embeddings.weight, -0.1, 0.1)
        if init != "none":
            self._load(words, init)
            self.embeddings.requires_grad_(not freeze)
        self.dropout = nn.Dropout(dropout)
        self.forwards = nn.LSTM(dim, hidden, batch_first=True)
        self.backwards = nn.LSTM(dim, hidden, batch_first=True)
        self.width = 2 * hidden

    def _load(self, words: list[str], init: str) -> None:
        if init == "word2vec":
            raise MissingWeightsError(
                "word vectors: give model.text_encoder.init=FILE, a text file with a word and its "
                "numbers on each line (GoogleNews' word2vec as text, GloVe), or none for an untrained "
                "embedding"
            )
        vectors = read_word_vectors(Path(init), set(words), self.embeddings.embedding_dim)
        with torch.no_grad():
            for index, word in enumerate(words, start=1):
                if word in vectors:
                    self.embeddings.weight[index] = vectors[word]

    def forward(self, words: Words) -> tuple[Float[Tensor, "b n c"], Float[Tensor, "b c"]]:
        """Words to tokens, 0 at padding, and sentences, which are the final states of both directions."""
        embedded = self.dropout(self.embeddings(words.ids))
        length = words.mask.sum(dim=1, keepdim=True)
        index = torch.arange(words.ids.shape[1], device=length.device).expand_as(words.ids)
        mirrored = torch.where(words.mask, length - 1 - index, index)[:, :, None]
        forward, _ = self.forwards(embedded)
        backward, _ = self.backwards(embedded.gather(1, mirrored.expand_as(embedded)))
        last = (length - 1)[:, :, None].expand(-1, -1, forward.shape[-1])
        sentence = torch.cat([forward.gather(1, last), backward.gather(1, last)], dim=-1)[:, 0]
        tokens = torch.cat([forward, backward.gather(1, mirrored.expand_as(backward))], dim=-1)
        return tokens * words.mask[:, :, None], sentence
