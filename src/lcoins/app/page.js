// Adds what Gradio lacks: the handle of the before/after slider and the file field work by keyboard, the file field
// offers photos first, pictures have alternative texts, and a page that is loaded again has its photo and sentence.
// The file field still accepts other files, so that the page can say what is wrong with them.
() => {
  const find = (selector) => document.querySelector(selector);
  const keep = (name, value) => { try { sessionStorage.setItem(name, value); } catch { /* private window */ } };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const whenever = (condition, action, tries = 60) => {
    if (condition()) action();
    else if (tries) setTimeout(() => whenever(condition, action, tries - 1), 50);
  };
  const line = () => find("#name [data-told]")?.dataset.told || "";
  window.lcoins = {
    told: () => JSON.parse(line() || "null"), // what the server says of the photo
    keepToken: (token) => keep("lcoins-photo", token || ""),
    keepText: (text) => document.body.dataset.restored && keep("lcoins-sentence", text || ""),
    focusSentence: () => whenever(() => find("#name p"), () => find("#sentence textarea").focus({ preventScroll: true })),
    focusPhoto: () => find("#photo button").focus(),
    download: () => find("#message [role=alert]") || setTimeout(() => find("#ready a, a#ready, #ready").click(), 100),
    // The picture has no height, and the page is too short to scroll, before the browser has loaded it.
    showPicture: () => find("#message [role=alert]")?.scrollIntoView({ block: "center" }) ?? whenever(
      () => [...document.querySelectorAll("#picture img")].some((image) => image.offsetHeight > 50),
      () => {
        const box = find("#picture").getBoundingClientRect();
        const picture = find("#picture img").getBoundingClientRect();
        if (box.top < 0 || picture.bottom > innerHeight)
          scrollBy({ top: box.top - 16, behavior: calm.matches ? "auto" : "smooth" });
      }),
  };
  const handle = () => find("#compare [data-testid=slider]");
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
  const describe = (selector, texts) => {
    document.querySelectorAll(selector).forEach((image, index) => {
      const text = texts[Math.min(index, texts.length - 1)] || "";
      if (image.alt !== text) image.alt = text;
      const button = image.closest("button");
      if (button && selector.startsWith("#variants") && button.title !== text) {
        button.title = text;
        button.setAttribute("aria-label", text);
      }
      if (button && selector.startsWith("#variants")) button.ariaCurrent = button.classList.contains("selected");
    });
  };
  const describeAll = () => {
    const told = window.lcoins.told();
    if (!told) return;
    const { photo, sentence, variants } = told;
    const gray = `${photo}, gray`, colored = `${photo}, colored by: ${sentence}`;
    describe("#gray img", [gray]);
    describe("#compare img", [gray, colored]);
    describe("#map img:not(.mask)", [`${photo} with the regions named below it`]);
    describe("#variants .thumbnail-item img", variants);
  };
  let said = "";
  const look = () => {
    const present = line();
    if (present !== said) {
      window.lcoins.record(window.lcoins.told());
      const sentence = window.lcoins.told()?.sentence;
      find("#colored").textContent = sentence ? `The photo is colored by: ${sentence}` : "";
    }
    said = present;
    window.lcoins.keepForm();
    const label = find("#name p") ? "Choose another photo, or drop it here" : "Choose a photo, or drop it here";
    for (const field of document.querySelectorAll("#photo input[type=file]")) {
      if (field.accept !== "image/*") field.accept = "image/*";
      if (field.parentElement.ariaLabel !== label) field.parentElement.ariaLabel = label;
    }
    if (find("#view") && find("#view").ariaLabel !== "View") find("#view").ariaLabel = "View";
    for (const field of document.querySelectorAll("#photos input[type=file]"))
      field.parentElement.ariaLabel = "Choose photos, or drop them here";
    const more = find("#photos .icon-button[aria-label='common.upload']"); // a word that Gradio has not translated
    if (more) more.ariaLabel = more.title = "Choose more photos";
    const knob = handle(), reset = find("#strength .reset-button");
    if (knob && knob.getAttribute("role") !== "slider") name(knob);
    if (reset && reset.title !== "Back to 1") reset.ariaLabel = reset.title = "Back to 1";
    describeAll();
  };
  // Once the other parts of the page's script are there.
  window.lcoins.begin = () => {
    const watched = { childList: true, subtree: true, attributes: true, attributeFilter: ["src", "data-told"] };
    new MutationObserver(look).observe(document.body, watched);
    window.lcoins.record(null);
    window.lcoins.colorNames();
    look();
  };
  // Gradio's own button goes back to the value that the page came with, which after a reload is not 1.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#strength .reset-button")) return;
    event.preventDefault();
    event.stopPropagation();
    const range = find("#strength input[type=range]");
    range.value = 1;
    range.dispatchEvent(new Event("input", { bubbles: true }));
  }, true);
  document.addEventListener("pointerup", () => requestAnimationFrame(() => handle() && update(handle())));
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
