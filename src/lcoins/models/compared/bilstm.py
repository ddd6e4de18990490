"""The word encoder of the systems before transformers: a vocabulary from the training captions and a BiLSTM."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lcoins.color.words import split_words
from lcoins.models.backbones.pretrained import MissingWeightsError, read_word_vectors
from lcoins.models.text_encoders import Words


def vocabulary_of(texts: Iterable[str]) -> list[str]:
    """All words of the texts, the most frequent first and equally frequent ones in order of the alphabet."""
    counts = Counter(word for text in texts for word in split_words(text))
    return sorted(counts, key=lambda word: (-counts[word], word))


class WordIds:
    """Captions to ids of whole words in lower case; id 0 is padding and every unknown word.

    Captions are cut to ``max_length`` words. With ``fixed`` they are padded to it as well, else to the longest.
    """

    def __init__(self, vocabulary: Sequence[str], max_length: int, fixed: bool):
        self.ids = {word: place for place, word in enumerate(vocabulary, start=1)}
        self.max_length, self.fixed = max_length, fixed

    def __call__(self, captions: list[str]) -> Words:
        """Word ids; an empty caption is one unknown word."""
        rows = [split_words(caption)[: self.max_length] for caption in captions]
        length = self.max_length if self.fixed else max([1, *map(len, rows)])
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        places = torch.full((len(rows), length), -1)
        mask = torch.zeros(len(rows), length, dtype=torch.bool)
        for row, words in enumerate(rows):
            ids[row, : len(words)] = torch.tensor([self.ids.get(word, 0) for word in words], dtype=torch.long)
            places[row, : len(words)] = torch.arange(len(words))
            mask[row, : max(1, len(words))] = True
        return Words(ids, mask, places)


class BiLSTMEncoder(nn.Module):
    """Embedding and one bidirectional LSTM layer: tokens and sentence, for LBIE, ML2018, Xie2018 and L-CoDe.

    ``vocabulary`` is null in the configs: the words of the training captions, which a run fills in when it starts.
    ``init`` is ``none`` (embeddings uniform in +-0.1, as L-CoDe's) or a text file of word vectors (as word2vec or GloVe
    write it); ``freeze`` keeps vectors from a file as they are, and untrained ones are trained all the same. The two
    directions are two layers, so that padding needs no packing and no wait for the device.
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
            for place, word in enumerate(words, start=1):
                if word in vectors:
                    self.embeddings.weight[place] = vectors[word]

    def forward(self, words: Words) -> tuple[Tensor, Tensor]:
        """Words (B, N) to tokens (B, N, 2 * hidden), 0 at padding, and sentences (B, 2 * hidden): both final states."""
        embedded = self.dropout(self.embeddings(words.ids))
        length = words.mask.sum(dim=1, keepdim=True)
        place = torch.arange(words.ids.shape[1], device=length.device).expand_as(words.ids)
        mirrored = torch.where(words.mask, length - 1 - place, place)[:, :, None]
        there, _ = self.forwards(embedded)
        back, _ = self.backwards(embedded.gather(1, mirrored.expand_as(embedded)))
        last = (length - 1)[:, :, None].expand(-1, -1, there.shape[-1])
        sentence = torch.cat([there.gather(1, last), back.gather(1, last)], dim=-1)[:, 0]
        tokens = torch.cat([there, back.gather(1, mirrored.expand_as(back))], dim=-1)
        return tokens * words.mask[:, :, None], sentence
