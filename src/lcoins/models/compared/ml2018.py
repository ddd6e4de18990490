"""ML2018: learning to color from language (Manjunatha et al., NAACL 2018), its FiLM model. Written from its release."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from lcoins.color.lab import to_network_ab
from lcoins.models.colorizer import ClassifiedColorization, Colorizer
from lcoins.models.compared.ab_bins import AbBins
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.film import FiLM
from lcoins.models.compared.trunks import STRIDE, GridTrunk, ResnetTrunk
from lcoins.models.image_encoders import grid_side
from lcoins.models.text_encoders import Words


class ModulatedBlock(nn.Module):
    """Residual block: 1x1 and 3x3 convolution, batch norm, modulation by the sentence."""

    def __init__(self, width: int, condition: int):
        super().__init__()
        self.inner, self.outer = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 3, padding=1)
        self.norm, self.film = nn.BatchNorm2d(width), FiLM(condition, width)

    def forward(self, x: Float[Tensor, "b c h w"], sentence: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        changed = relu(self.outer(relu(self.inner(x))))
        return relu(self.film(self.norm(changed), sentence)) + x


class ML2018(Colorizer):
    """Frozen features, four blocks modulated by the sentence, and a classifier over 625 bins of ab at a quarter of S.

    Table 1 of L-CoIns does not say whether this model or its variant that concatenates the sentence was run; this is
    the one of ML2018's repository. Deviation: the trunk takes the gray picture of (L*, 0, 0), see
    :func:`lcoins.models.compared.trunks.gray_picture`.
    """

    factor = 4  # side of the picture over side of the logits

    def __init__(self, trunk: ResnetTrunk | GridTrunk, text_encoder: BiLSTMEncoder, image_size: int, blocks: int):
        super().__init__()
        grid_side(image_size, STRIDE)
        self.image_size, self.grid = image_size, AbBins("square")
        self.trunk, self.text_encoder = trunk, text_encoder
        width = trunk.channels[1]
        self.blocks = nn.ModuleList(ModulatedBlock(width, text_encoder.width) for _ in range(blocks))
        self.head = nn.Conv2d(width, len(self.grid), 1)

    def forward(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> ClassifiedColorization:
        """Network lightness and words to network ab and the logits of 625 bins at a quarter of its side."""
        _, sentence = self.text_encoder(words)
        _, x = self.trunk(lightness)
        for block in self.blocks:
            x = block(x, sentence)
        logits = self.head(interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
        return ClassifiedColorization(to_network_ab(self.grid.decode(logits, 1.0, self.image_size)), logits=logits)
