"""BERT (Devlin et al., 2019) without its pooler, under the published names of its tensors.

It is not that of transformers, whose import takes longer than everything else that coloring a photo does;
tests/models/test_bert.py holds it to that of transformers.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class BertLayer(nn.Module):
    """Self-attention and two linear maps, each added to its input and then normalized."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float, attention_dropout: float, eps: float):
        super().__init__()
        if width % heads:
            raise ValueError(f"hidden_size ({width}) must be a multiple of num_attention_heads ({heads})")
        self.heads, self.attention_dropout = heads, attention_dropout
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")}),
                "output": _Added(width, width, dropout, eps),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _Added(inner, width, dropout, eps)

    def forward(self, x: Float[Tensor, "b n c"], mask: Bool[Tensor, "b 1 1 n"]) -> Float[Tensor, "b n c"]:
        """Tokens to tokens; the mask is true for tokens that may be attended to."""
        maps = self.attention["self"].children()
        q, k, v = (linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for linear in maps)
        rate = self.attention_dropout if self.training else 0.0
        heads = scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=rate)
        x = self.attention["output"](heads.transpose(1, 2).flatten(2), x)
        return self.output(nn.functional.gelu(self.intermediate["dense"](x)), x)


class _Added(nn.Module):
    """A linear map, dropout, and the norm of its sum with the residual."""

    def __init__(self, wide: int, narrow: int, dropout: float, eps: float):
        super().__init__()
        self.dense = nn.Linear(wide, narrow)
        self.LayerNorm = nn.LayerNorm(narrow, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "b n d"], residual: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        return self.LayerNorm(self.dropout(self.dense(x)) + residual)


class _Embeddings(nn.Module):
    """Embeddings of word piece, position and sentence (always the first), summed and normalized."""

    def __init__(self, pieces: int, positions: int, kinds: int, width: int, dropout: float, eps: float, padding: int):
        super().__init__()
        self.word_embeddings = nn.Embedding(pieces, width, padding_idx=padding)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(kinds, width)
        self.LayerNorm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Int[Tensor, "b n"]) -> Float[Tensor, "b n c"]:
        words = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        return self.dropout(self.LayerNorm(words + self.position_embeddings.weight[: ids.shape[1]]))


class Bert(nn.Module):
    """Embeddings and ``num_hidden_layers`` layers; the arguments are the keys of a published config.json.

    Their defaults make BERT base.
    """

    def __init__(
        self,
        vocab_size: int = 30522,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        max_position_embeddings: int = 512,
        type_vocab_size: int = 2,
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.1,
        layer_norm_eps: float = 1e-12,
        initializer_range: float = 0.02,
        pad_token_id: int = 0,
    ):
        super().__init__()
        self.width, self.positions = hidden_size, max_position_embeddings
        self.embeddings = _Embeddings(
            vocab_size, self.positions, type_vocab_size, self.width, hidden_dropout_prob, layer_norm_eps, pad_token_id
        )
        layers = [
            BertLayer(
                self.width,
                num_attention_heads,
                intermediate_size,
                hidden_dropout_prob,
                attention_probs_dropout_prob,
                layer_norm_eps,
            )
            for _ in range(num_hidden_layers)
        ]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})
        self.apply(lambda module: _initialize(module, initializer_range))

    def forward(self, ids: Int[Tensor, "b n"], mask: Bool[Tensor, "b n"]) -> Float[Tensor, "b n c"]:
        """Word pieces, and their mask, which is true for pieces that may be attended to, to hidden states."""
        if ids.shape[1] > self.positions:
            raise ValueError(
                f"this BERT has positions for {self.positions} word pieces, got {ids.shape[1]}; set "
                f"model.text_encoder.max_length to {self.positions} or less"
            )
        x = self.embeddings(ids)
        for layer in self.encoder["layer"].children():
            x = layer(x, mask[:, None, None, :])
        return x


def _initialize(module: nn.Module, deviation: float) -> None:
    """As published: weights and embeddings normal, biases 0, the embedding of padding 0."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=deviation)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with torch.no_grad():
            module.weight[module.padding_idx].zero_()
