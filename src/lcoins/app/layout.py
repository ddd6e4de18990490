"""What stands where on the page: controls on one side, the picture on the other, below each other on a phone."""

import gradio as gr

from lcoins.app.html import SEVERAL, START, head
from lcoins.app.studio import MAX_LETTERS, MAX_SENTENCES
from lcoins.app.tools import tools

EXAMPLES = (
    "a woman in a red coat beside a blue car",
    "a brown dog on green grass under a blue sky",
    "a red cup beside a blue cup",
)
COMPARE, WORDS, GROUPS, HAND = "Before and after", "Word map", "Group map", "By hand"


class Layout:
    """The components of the page, to be made inside of blocks."""

    def build(self, title: str, suggests: bool) -> None:
        """Makes the components; ``title`` is what the page calls the model, ``suggests`` whether it has a captioner."""
        self.token = gr.Textbox(visible=False)  # of the photo that the page shows
        self.sent = gr.Textbox(visible=False)  # a change, which changes.js writes; then the text that its answer has
        self.change = gr.Button(visible="hidden", elem_id="change")  # changes.js clicks it
        gr.HTML(head(title), elem_id="head")
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=2, min_width=300, elem_id="controls"):
                self._controls(suggests)
            with gr.Column(scale=3, min_width=300, elem_id="picture"):
                self._picture()
        self._several()

    def _controls(self, suggests: bool) -> None:
        self.file = gr.File(label="Photo", file_count="single", height=120, elem_id="photo")
        with gr.Row(visible=False, elem_id="chosen") as self.chosen:
            self.name = gr.HTML("", elem_id="name")
            self.remove = gr.Button("Remove", size="sm", elem_id="remove")
        self.message = gr.HTML("", elem_id="message")
        self.text = gr.Textbox(
            label="Sentence",
            info=f"Each line (Shift + Enter) gives a picture of its own, {MAX_SENTENCES} at most.",
            placeholder=EXAMPLES[0],
            lines=1,
            max_lines=MAX_SENTENCES,
            max_length=MAX_SENTENCES * MAX_LETTERS,
            elem_id="sentence",
        )
        with gr.Row(elem_id="examples"):
            self.examples = [gr.Button(example, size="sm", variant="secondary") for example in EXAMPLES]
        self.suggest = gr.Button("Suggest a sentence", size="sm", visible=suggests, elem_id="suggest")
        self.go = gr.Button("Color it", variant="primary", elem_id="go")
        gr.HTML(tools(), elem_id="tools")

    def _picture(self) -> None:
        self.start = gr.HTML(START)
        self.gray = gr.Image(label="Photo", interactive=False, visible=False, buttons=[], elem_id="gray")
        self.compare = gr.ImageSlider(
            label="Before and after",
            type="filepath",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            max_height=640,
            elem_id="compare",
        )
        self.hand = gr.HTML("", visible=False, elem_id="hand")
        self.map = gr.AnnotatedImage(label="Map", visible=False, buttons=[], elem_id="map")
        self.note = gr.HTML("", visible=False, elem_id="note")
        self.view = gr.Radio(
            [COMPARE, WORDS, GROUPS, HAND],
            value=COMPARE,
            label="View",
            show_label=False,
            visible=False,
            elem_id="view",
        )
        self.hints = gr.HTML("", visible=False, elem_id="hints")
        self.words = gr.HTML("", elem_id="words")
        self.strength = gr.Slider(
            0, 1.5, value=1, step=0.05, label="Color strength", visible=False, buttons=["reset"], elem_id="strength"
        )
        self.gallery = gr.Gallery(
            label="Variants",
            visible=False,
            interactive=False,
            allow_preview=False,
            columns=3,
            buttons=[],
            elem_id="variants",
            type="filepath",
        )
        self.save = gr.Button("Download at full size", visible=False, elem_id="save")
        self.ready = gr.DownloadButton("Download", visible="hidden", elem_id="ready")

    def _several(self) -> None:
        with gr.Accordion("Several photos at once", open=False, elem_id="several"):
            gr.HTML(SEVERAL)
            self.photos = gr.File(label="Photos", file_count="multiple", height=120, elem_id="photos")
            self.go_several = gr.Button("Color all into a ZIP", elem_id="go-several")
            self.said = gr.HTML("", elem_id="said")
            self.zip = gr.DownloadButton("Download the ZIP", visible=False, elem_id="zip")
