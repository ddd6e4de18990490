// Adds what Gradio lacks: the handle of the before/after slider and the file field work by keyboard, and the file field
// offers photos first. It still accepts other files, so that the page can say what is wrong with them.
() => {
  const handle = () => document.querySelector("#compare [data-testid=slider]");
  const name = (knob) => {
    knob.tabIndex = 0;
    knob.setAttribute("role", "slider");
    knob.setAttribute("aria-label", "Before and after: left and right arrow keys");
    knob.setAttribute("aria-valuemin", 0);
    knob.setAttribute("aria-valuemax", 100);
    update(knob);
  };
  const update = (knob) => {
    const all = knob.parentElement.getBoundingClientRect(), own = knob.getBoundingClientRect();
    const share = (100 * (own.left - all.left)) / all.width;
    knob.setAttribute("aria-valuenow", Math.round(share) || 0);
  };
  new MutationObserver(() => {
    for (const field of document.querySelectorAll("#photo input[type=file]")) {
      field.accept = "image/*";
      field.parentElement.setAttribute("aria-label", "Choose a photo, or drop it here");
    }
    const knob = handle();
    if (knob && knob.getAttribute("role") !== "slider") name(knob);
  }).observe(document.body, { childList: true, subtree: true });
  const steps = { ArrowLeft: -0.05, ArrowRight: 0.05, Home: -1, End: 1 };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("#photo button:has(> input[type=file])")) {
      event.preventDefault();
      event.stopPropagation();
      const button = event.target;
      setTimeout(() => button.click()); // Chromium opens no file chooser during the key event itself
    }
    const knob = handle();
    if (!knob || event.target !== knob || !(event.key in steps)) return;
    event.preventDefault();
    const all = knob.parentElement.getBoundingClientRect(), own = knob.querySelector(".inner").getBoundingClientRect();
    const x = own.left + own.width / 2, y = all.top + all.height / 2;
    const to = Math.min(all.right - 1, Math.max(all.left + 1, x + steps[event.key] * all.width));
    const drag = (target, kind, clientX) =>
      target.dispatchEvent(new MouseEvent(kind, { bubbles: true, cancelable: true, view: window, clientX, clientY: y }));
    drag(knob.querySelector(".inner"), "mousedown", x);
    drag(window, "mousemove", to);
    drag(window, "mouseup", to);
    requestAnimationFrame(() => update(knob));
  }, true); // capture, since Gradio's own handler would swallow Enter
}
