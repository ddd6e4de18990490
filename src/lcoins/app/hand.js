// Colors by hand and color words: clicks and brush strokes on the picture, and what they send to the server.
() => {
  const find = (selector) => document.querySelector(selector);
  const APART = 0.008; // of the picture: points of a stroke that are nearer are left out
  const MOST_POINTS = 200;
  const hints = () => window.lcoins.told()?.hints || [];
  // Changes the list of hints as the server has it by then, if the photo is still the same.
  const edit = (edited, focus) => {
    const photo = window.lcoins.told()?.id;
    window.lcoins.send(() => (window.lcoins.told()?.id === photo ? { hints: edited(hints()) } : {}), { focus });
  };
  const sentenceColors = () => [...document.querySelectorAll("#words [data-word]")].map((word) => word.dataset.color);
  const add = (points, color, focus) => edit((list) => [...list, { points, color }], focus);
  const chosenFirst = () => [...new Set([...sentenceColors(), ...hints().map((hint) => hint.color)])];

  let stroke = null;
  const at = (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    const share = (value) => Math.round(1e4 * Math.min(1, Math.max(0, value))) / 1e4;
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
  };
  const draw = (points) => {
    const line = find("#hand [data-stroke]");
    if (line) line.setAttribute("points", points.map(([x, y]) => `${100 * x},${100 * y}`).join(" "));
  };
  document.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest?.("#hand [data-canvas]");
    if (!canvas || event.button !== 0 || !event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    stroke = [at(canvas, event)];
  });
  document.addEventListener("pointermove", (event) => {
    const canvas = find("#hand [data-canvas]");
    if (!stroke || !canvas) return;
    const next = at(canvas, event), last = stroke.at(-1);
    if (Math.hypot(next[0] - last[0], next[1] - last[1]) < APART || stroke.length >= MOST_POINTS) return;
    stroke.push(next);
    draw(stroke);
  });
  document.addEventListener("pointercancel", () => { stroke = null; draw([]); });
  document.addEventListener("pointerup", async () => {
    if (!stroke) return;
    const points = stroke;
    stroke = null;
    const color = await window.lcoins.choose(points.length > 1 ? "The color along this line" : "The color here", chosenFirst());
    draw([]);
    if (color) add(points, color, "#hand [data-canvas]");
  });

  document.addEventListener("click", async (event) => {
    const word = event.target.closest("#words [data-word]");
    if (word) {
      const index = Number(word.dataset.word), { sentence } = window.lcoins.told();
      const color = await window.lcoins.choose(`Instead of “${word.textContent}”`, []);
      if (color) window.lcoins.send({ word: { sentence, index, color } }, { focus: `#words [data-word="${index}"]` });
    }
    const gone = event.target.closest("#hints [data-remove]");
    if (gone) {
      const removed = JSON.stringify(hints()[Number(gone.dataset.remove)]);
      const others = (list) => list.filter((hint) => JSON.stringify(hint) !== removed);
      edit(others, "#hints [data-remove], #hints summary");
    }
    if (event.target.closest("#hints [data-clear]")) edit(() => [], "#hints summary");
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#hints [data-add]")) return;
    event.preventDefault();
    const { x, y, color } = event.target.elements;
    const points = [[Number(x.value) / 100, Number(y.value) / 100]];
    add(points, color.value);
    [typed, field] = [{}, "x"]; // so that the next one can be given at once
  }, true);
  // The form is made anew with each answer: what is being typed there stays, and whether it is open.
  let form = null, open = false, typed = {}, field = null;
  window.lcoins.keepForm = () => {
    const made = find("#hints form");
    if (!made || made === form) return;
    form = made;
    made.closest("details").open = open;
    Object.entries(typed).forEach(([name, value]) => { made.elements[name].value = value; });
    if (field && document.activeElement === document.body) made.elements[field].focus({ preventScroll: true });
  };
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("#hints details") && event.target.isConnected) open = event.target.open;
  }, true);
  document.addEventListener("input", (event) => {
    if (event.target.matches("#hints form input")) typed[event.target.name] = event.target.value;
  });
  document.addEventListener("focusin", (event) => {
    field = event.target.matches("#hints form input") ? event.target.name : null;
  });
}
