"""The model card of a package for the Hugging Face Hub, made from what the package says of itself."""

from collections.abc import Mapping
from typing import Any

from lcoins.models.received import expect_plain

CARD_METRICS = ("psnr", "ssim", "lpips_alex", "lpips_vgg", "lpips_squeeze", "colorfulness")
EXAMPLE = "a woman in a red coat"
TEXT = """
# {title}

Colors gray photos by a sentence that names things and colors, with [lcoins](https://github.com/lcoins/lcoins).

```python
import lcoins

colorizer = lcoins.load_colorizer("hf://{repository}")
colorizer("photo.jpg", "{example}").save("photo_color.jpg")
```

Model: `{model}`, {size} x {size} pixels. License: {license}. Colors are invented, not found: not for evidence or the
restoration of true colors.

## Figures

{figures}

## Where it comes from

{provenance}
"""


def model_card(index: Mapping[str, Any], repository: str) -> str:
    """The README.md of a repository ``owner/name`` that holds a package: a YAML header for the hub, then prose.

    ``index`` is the content of the package's JSON. Raises ValueError where its figures are no plain values.
    """
    from huggingface_hub import EvalResult, ModelCardData

    figures = {str(name): value for name, value in dict(index.get("figures") or {}).items() if _is_number(value)}
    provenance = dict(index.get("provenance") or {})
    expect_plain(provenance, "package.json", "provenance")
    shown = [(*name.rpartition("/")[::2], value) for name, value in figures.items()]
    results = [
        EvalResult("image-to-image", tests, tests, metric, round(value, 4), task_name="Image colorization")
        for tests, metric, value in shown
        if tests and metric in CARD_METRICS
    ]
    header = ModelCardData(
        language="en",
        library_name="lcoins",
        pipeline_tag="image-to-image",
        license="other",
        license_name="terms-of-the-training-data",
        tags=["image-colorization", "language-based-colorization", "l-coins"],
        metrics=sorted({metric for tests, metric, _ in shown if tests and metric in CARD_METRICS}) or None,
        model_name=repository.partition("/")[2] if results else None,
        eval_results=results or None,
        widget=[{"text": EXAMPLE}],
    )
    rows = [f"| {tests} | {metric} | {value:.4g} |" for tests, metric, value in shown if tests]
    table = "\n".join(["| test set | figure | value |", "| --- | --- | --- |", *map(_one_line, rows)])
    origin = [f"- {_one_line(str(name))}: {_one_line(str(said))}" for name, said in provenance.items()]
    text = TEXT.format(
        title=repository.partition("/")[2],
        repository=repository,
        example=EXAMPLE,
        model=_one_line(str(index["model"]["_target_"])),
        size=index["model"].get("image_size"),
        license=_one_line(str(index.get("license") or "No license is named"))[:300],
        figures=table if rows else "None were measured.",
        provenance="\n".join(origin) or "Nothing is said about it.",
    )
    return f"---\n{header.to_yaml()}\n---\n{text}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _one_line(text: str) -> str:
    return " ".join(text.split())
