// What the browser keeps of the page: the steps that undo and redo go through, and saved sentences.
() => {
  const find = (selector) => document.querySelector(selector);
  const NAME = "lcoins-kept", HERE = "lcoins-step", MOST_STEPS = 60, MOST_SAVED = 60;
  const SOON = 1500; // milliseconds, in which a slider that is drawn makes one step
  const empty = () => ({ steps: [], saved: [] });
  const isText = (value) => typeof value === "string";
  const fits = (one) => one && isText(one.sentence) && typeof one.strength === "number" && one.strength >= 0;
  const read = () => {
    try {
      const { steps, saved } = JSON.parse(localStorage.getItem(NAME)) || empty();
      const good = steps.filter((one) => fits(one) && Array.isArray(one.hints)).slice(-MOST_STEPS);
      const named = good.map((one, index) => ({ made: `older ${index}`, ...one }));
      return { steps: named, saved: saved.filter((one) => fits(one) && isText(one.name)) };
    } catch { return empty(); } // a private window, or what an older page has kept
  };
  const session = (call) => { try { return call(sessionStorage); } catch { return null; } }; // a private window
  let kept = read(), changed = 0;
  let here = session((storage) => storage.getItem(HERE)); // by when it was made, the step at which this tab is
  let going = null; // the step that the server is asked for
  const others = new Set(); // steps that other tabs have made since this one was opened: undo steps over them
  const write = () => {
    try { localStorage.setItem(NAME, JSON.stringify(kept)); } catch { /* a private window, or full */ }
    session((storage) => storage.setItem(HERE, here || ""));
    show();
  };
  const beside = (at, by) => {
    do at += by; while (kept.steps[at] && others.has(kept.steps[at].made));
    return at;
  };
  const at = () => {
    const found = kept.steps.findIndex((one) => one.made === here);
    return found < 0 ? beside(kept.steps.length, -1) : found;
  };
  const same = (one, other) =>
    one && one.sentence === other.sentence && one.strength === other.strength
    && JSON.stringify(one.hints) === JSON.stringify(other.hints);
  const come = (step, { id, photo }) => {
    const moved = here !== step.made || step.id !== id;
    here = step.made;
    Object.assign(step, { id, photo });
    if (moved) write(); else show();
  };
  // Called with what the server says of the page. A new step drops those after the present one, but not while the page
  // is on its way to one of them.
  window.lcoins.record = (told) => {
    if (!told?.sentence) { show(); return; }
    const { sentence, strength, hints, id, photo } = told, present = kept.steps[at()];
    const step = { sentence, strength, hints, id, photo, made: `${Date.now()} ${Math.random()}` };
    if (going && same(going, step)) { come(going, told); going = null; return; }
    if (same(present, step)) { come(present, told); return; }
    const drawn = !going && present && same({ ...present, strength }, step) && Date.now() - changed < SOON;
    changed = Date.now();
    const before = kept.steps.slice(0, drawn ? at() : at() + 1);
    const after = kept.steps.slice(at() + 1).filter((one) => going || others.has(one.made));
    kept.steps = [...before, ...after, step].slice(-MOST_STEPS);
    here = step.made;
    write();
  };
  // Hints are places of one photo: they go with it. The step is chosen at its turn, when those before have come.
  const go = (choose) => window.lcoins.send(() => {
    const step = choose(), told = window.lcoins.told();
    if (!step) return {};
    if (told && step.id !== told.id) Object.assign(step, { hints: told.hints, id: told.id, photo: told.photo });
    changed = 0;
    if (!told || same(step, told)) come(step, told || step);
    else going = step;
    const { sentence, strength, hints } = step;
    return { text: sentence, strength, ...(told ? { hints } : {}) };
  }, { done: () => { going = null; } });
  const undo = () => go(() => kept.steps[beside(at(), -1)]);
  const redo = () => go(() => kept.steps[beside(at(), 1)]);
  const show = () => {
    const buttons = { "[data-undo]": -1, "[data-redo]": 1 };
    for (const [selector, by] of Object.entries(buttons)) {
      const button = find(selector);
      if (!button) return;
      const last = document.activeElement === button, none = !kept.steps[beside(at(), by)];
      button.disabled = none;
      if (last && none) Object.keys(buttons).map(find).find((other) => !other.disabled)?.focus();
    }
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
    const steps = kept.steps.map((one, index) => row(one.sentence,
      joined(index === at() ? "now" : "", one.photo || "", percent(one.strength), count(one.hints)), () => go(() => one))).reverse();
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
    if (on("[data-undo]")) undo();
    if (on("[data-redo]")) redo();
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
    const typing = event.target.closest?.("textarea, dialog, input:not([type=range], [type=radio])");
    if (typing || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    (event.shiftKey ? redo : undo)();
  });
  addEventListener("storage", (event) => { // another tab's page
    if (event.key !== NAME) return;
    const known = new Set(kept.steps.map((one) => one.made));
    kept = read();
    kept.steps.filter((one) => !known.has(one.made)).forEach((one) => others.add(one.made));
    show();
  });
  show();
}
