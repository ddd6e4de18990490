"""A system of one's own: each patch of the picture asks the words, and mixes what they answer into itself."""

from jaxtyping import Float
from torch import Tensor, nn

from lcoins.models.colorizer import Colorization, Colorizer
from lcoins.models.image_encoders import GridEncoder
from lcoins.models.text_encoders import PhraseEncoder, Words
from lcoins.models.upsampler import Upsampler


class Crossing(Colorizer):
    """Image tokens attend to word tokens ``depth`` times, and are then upsampled to ab."""

    def __init__(
        self,
        image_size: int,
        image_encoder: GridEncoder,
        text_encoder: PhraseEncoder,
        upsampler: Upsampler,
        heads: int,
        depth: int,
    ):
        super().__init__()
        self.image_size = image_size
        self.image_encoder, self.text_encoder, self.upsampler = image_encoder, text_encoder, upsampler
        layer = nn.TransformerDecoderLayer(upsampler.width, heads, 4 * upsampler.width, 0.0, batch_first=True)
        self.layers = nn.TransformerDecoder(layer, depth)

    def forward(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> Colorization:
        """Network lightness and words to network ab."""
        patches, tokens = self.image_encoder(lightness), self.text_encoder(words)
        patches = self.layers(patches, tokens, memory_key_padding_mask=~words.mask)
        return Colorization(self.upsampler(patches))
