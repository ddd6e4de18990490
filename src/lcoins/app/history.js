// What the browser keeps of the page: the steps that undo and redo go through, and saved sentences.
() => {
  const find = (selector) => document.querySelector(selector);
  const NAME = "lcoins-kept", MOST_STEPS = 60, MOST_SAVED = 60;
  const SOON = 1500; // milliseconds, in which a slider that is drawn makes one step
  const empty = () => ({ steps: [], at: -1, saved: [] });
  const isText = (value) => typeof value === "string";
  const fits = (one) => one && isText(one.sentence) && typeof one.strength === "number" && one.strength >= 0;
  const read = () => {
    try {
      const { steps, at, saved } = JSON.parse(localStorage.getItem(NAME)) || empty();
      const good = steps.filter((one) => fits(one) && Array.isArray(one.hints)).slice(-MOST_STEPS);
      return { steps: good, at: Math.min(at, good.length - 1), saved: saved.filter((one) => fits(one) && isText(one.name)) };
    } catch { return empty(); } // a private window, or what an older page has kept
  };
  let kept = read(), changed = 0;
  const write = () => {
    try { localStorage.setItem(NAME, JSON.stringify(kept)); } catch { /* a private window, or full */ }
    show();
  };
  const same = (one, other) =>
    one && one.sentence === other.sentence && one.strength === other.strength
    && JSON.stringify(one.hints) === JSON.stringify(other.hints);
  // Called with what the server says of the page; the steps after the present one are dropped.
  window.lcoins.record = (told) => {
    if (!told?.sentence) { show(); return; }
    const { sentence, strength, hints, id, photo } = told;
    const step = { sentence, strength, hints, id, photo }, present = kept.steps[kept.at];
    if (same(present, step)) {
      if (present.id !== id) { Object.assign(present, { id, photo }); write(); } else show();
      return;
    }
    const drawn = present && same({ ...present, strength }, step) && Date.now() - changed < SOON;
    changed = Date.now();
    if (drawn) kept.steps.splice(kept.at, Infinity, step);
    else kept.steps.splice(kept.at + 1, Infinity, step);
    kept.steps = kept.steps.slice(-MOST_STEPS);
    kept.at = kept.steps.length - 1;
    write();
  };
  // Hints are places of one photo: they go with it.
  const go = (at) => {
    const step = kept.steps[at], told = window.lcoins.told();
    if (!step) return;
    if (told && step.id !== told.id) Object.assign(step, { hints: told.hints, id: told.id, photo: told.photo });
    kept.at = at;
    changed = 0;
    write();
    const { sentence, strength, hints } = step;
    window.lcoins.send({ text: sentence, strength, ...(told ? { hints } : {}) });
  };
  const show = () => {
    const [undo, redo] = [find("[data-undo]"), find("[data-redo]")];
    if (!undo) return;
    undo.disabled = kept.at < 1;
    redo.disabled = kept.at >= kept.steps.length - 1;
    if (find("#kept")?.open) list();
  };
  const row = (title, about, use, remove) => {
    const item = document.createElement("li"), text = document.createElement("button");
    const head = document.createElement("b"), line = document.createElement("span");
    head.textContent = title;
    line.textContent = about;
    text.type = "button";
    text.append(head, line);
    text.addEventListener("click", () => { find("#kept").close(); use(); });
    item.append(text);
    if (remove) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Remove";
      button.setAttribute("aria-label", `Remove ${title}`);
      button.addEventListener("click", () => { remove(); find("#kept input").focus(); });
      item.append(button);
    }
    return item;
  };
  const percent = (strength) => (strength === 1 ? "" : `strength ${strength}`);
  const count = (hints) => (hints.length ? `${hints.length} ${hints.length > 1 ? "colors" : "color"} by hand` : "");
  const joined = (...parts) => parts.filter(Boolean).join(" · ");
  const list = () => {
    const empty = (text) => Object.assign(document.createElement("li"), { textContent: text });
    const saved = kept.saved.map((one) => row(one.name, joined(one.sentence, percent(one.strength)),
      () => window.lcoins.send({ text: one.sentence, strength: one.strength }),
      () => { kept.saved = kept.saved.filter((other) => other !== one); write(); }));
    const steps = kept.steps.map((one, at) => row(one.sentence,
      joined(at === kept.at ? "now" : "", one.photo || "", percent(one.strength), count(one.hints)), () => go(at))).reverse();
    find("[data-saved]").replaceChildren(...(saved.length ? saved : [empty("None yet.")]));
    find("[data-earlier]").replaceChildren(...(steps.length ? steps : [empty("None yet.")]));
  };
  const save = (name) => {
    const sentence = find("#sentence textarea").value.trim();
    if (!sentence) { find("#kept input").setCustomValidity("Write a sentence first."); find("#kept form").reportValidity(); return; }
    const strength = window.lcoins.told()?.strength ?? 1;
    kept.saved = [{ name, sentence, strength }, ...kept.saved.filter((one) => one.name !== name)].slice(0, MOST_SAVED);
    find("#kept form").reset();
    write();
  };
  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-undo]")) go(kept.at - 1);
    if (on("[data-redo]")) go(kept.at + 1);
    if (on("[data-kept]")) { list(); find("#kept").showModal(); }
    if (on("#kept [data-close]") || event.target === find("#kept")) find("#kept").close();
    if (on("#kept [data-forget]")) { kept = empty(); write(); find("#kept input").focus(); }
  });
  document.addEventListener("input", (event) => { if (event.target.matches("#kept input")) event.target.setCustomValidity(""); });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#kept form")) return;
    event.preventDefault();
    const name = event.target.elements.name.value.trim();
    if (name) save(name);
  }, true);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, dialog");
    if (typing || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    go(kept.at + (event.shiftKey ? 1 : -1));
  });
  addEventListener("storage", (event) => { if (event.key === NAME) { kept = read(); show(); } }); // another tab's page
  show();
}
