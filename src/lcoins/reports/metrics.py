"""The metrics that reports show of finished runs: their titles, columns, digits, and which way is better."""

from dataclasses import dataclass
from typing import get_args

from lcoins.data.scenes.layout import DistinguishedBy


@dataclass(frozen=True)
class Metric:
    """The mean of ``column`` over the test pairs, or the sum of ``column`` divided by the sum of the column ``per``.

    ``better`` is +1 if more is better, -1 if less is, 0 if neither is.
    """

    title: str
    column: str
    better: int
    digits: int
    per: str | None = None
    percent: bool = False

    @property
    def heading(self) -> str:
        return self.title + {1: " ↑", -1: " ↓", 0: ""}[self.better]

    @property
    def of_exchanged_words(self) -> bool:
        """Whether it measures the answers to captions with exchanged color words."""
        return self.column.startswith(("recolor", "response", "spill_"))

    def text(self, value: float, signed: bool = False) -> str:
        """The value as it is shown; what rounds to zero has no sign."""
        sign = "+" if signed and not self.shows_zero(value) else ""
        value, digits = self._scaled(value)
        return f"{value:{sign}z.{digits}f}".replace("-", "\N{MINUS SIGN}")

    def shows_zero(self, value: float) -> bool:
        """Whether the value is shown as zero."""
        return not round(*self._scaled(value))

    def _scaled(self, value: float) -> tuple[float, int]:
        """The value as it is shown, and its digits behind the point."""
        return (100 * value, 1) if self.percent else (value, self.digits)


WORDS = Metric("words right, %", "instances_correct", +1, 3, "instances", percent=True)
LPIPS = tuple(Metric(f"LPIPS {net}", f"lpips_{net}", -1, 3) for net in ("alex", "vgg", "squeeze"))
SHORTCUT = Metric("luminance shortcut", "", +1, 2)
METRICS = (
    WORDS,
    *(
        Metric(
            f"told apart by {distinguished_by}",
            f"instances_correct_by_{distinguished_by}",
            +1,
            3,
            f"instances_by_{distinguished_by}",
            True,
        )
        for distinguished_by in get_args(DistinguishedBy)
    ),
    Metric("recolored words right, %", "recolored_correct", +1, 3, "recolored_instances", percent=True),
    Metric("ΔE00 to the named color", "named_delta_e", -1, 1),
    Metric("response to new words", "response", +1, 2),
    Metric("spill on other instances", "spill_instances", -1, 2),
    Metric("spill on the background", "spill_background", -1, 2),
    Metric("bleeding", "bleeding", -1, 2),
    Metric("background error", "background_error", -1, 2),
    Metric("groups: adjusted Rand", "groups_ari", +1, 2),
    Metric("groups: purity", "groups_purity", +1, 2),
    Metric("groups used", "groups_used", 0, 1),
    Metric("PSNR, dB", "psnr", +1, 2),
    Metric("SSIM", "ssim", +1, 3),
    *LPIPS,
    Metric("colorfulness", "colorfulness", 0, 1),
    Metric("shift by one new word", "recolor_shift", 0, 2),
    Metric("towards the new word", "recolor_towards", +1, 2),
)
