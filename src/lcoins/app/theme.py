"""The look of the page: system fonts, so that no font is loaded; one accent color; light and dark."""

from pathlib import Path

import gradio as gr

FOLDER = Path(__file__).parent
CSS = "\n".join(FOLDER.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "tools.css"))
# Each file is a function without arguments; Gradio calls one.
PARTS = [
    FOLDER.joinpath(f"{name}.js").read_text(encoding="utf-8")
    for name in ("page", "palette", "changes", "hand", "history")
]
SCRIPT = "() => {\n" + "\n".join(f"(\n{part})();" for part in PARTS) + "\nwindow.lcoins.begin();\n}"


def theme() -> gr.themes.Base:
    """Plain surfaces without frames, to leave the attention to the picture."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_lg,
        text_size=gr.themes.sizes.text_md,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    return base.set(
        body_background_fill="#fbfaf8",
        body_background_fill_dark="#171614",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#201f1c",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_padding="0px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_title_text_weight="600",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_200",
        input_background_fill="#ffffff",
        input_background_fill_dark="#201f1c",
        input_border_width="1px",
        input_border_color="#a8a29e",
        input_border_color_dark="#6f6a63",
        input_border_color_focus="#0f766e",
        input_border_color_focus_dark="#5eead4",
        input_placeholder_color="*neutral_500",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#0f766e",
        button_primary_background_fill_hover_dark="#115e59",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#f0eeea",
        button_secondary_background_fill_dark="#201f1c",
        button_secondary_background_fill_hover_dark="#2c2a26",
        button_secondary_border_color="#d6d3d1",
        button_secondary_border_color_dark="#44403c",
        button_border_width="1px",
        slider_color="#0f766e",
        slider_color_dark="#14b8a6",
        layout_gap="20px",
        form_gap_width="0px",
    )
