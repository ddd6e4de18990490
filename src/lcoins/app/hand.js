// Colors by hand and color words: clicks and brush strokes on the picture, and what they send to the server.
() => {
  const find = (selector) => document.querySelector(selector);
  const APART = 0.008; // of the picture: points of a stroke that are nearer are left out
  const MOST_POINTS = 200;
  // Changes that are still to be sent, and the one that the server is at. One goes after the other, for a browser's
  // requests may arrive in another order, and a list of hints goes on from what the server has. Each knows where the
  // focus goes once it is shown, and whether "By numbers" stays open.
  const waiting = [];
  let under = null;
  const next = () => {
    under = waiting.shift() || null;
    if (under) find("#change").click(); // a hidden button, whose event reads the change from takeChange
  };
  // What is to change may be a function, which says so when its turn comes.
  window.lcoins.send = (change, focus = null, reopen = false) => {
    waiting.push({ change, focus, reopen });
    if (!under) next();
  };
  window.lcoins.takeChange = () => JSON.stringify(typeof under?.change === "function" ? under.change() : under?.change || {});
  window.lcoins.afterChange = () => setTimeout(() => { // once the page shows the answer
    const { focus, reopen } = under || {};
    if (reopen && find("#hints details")) find("#hints details").open = true;
    if (focus && (document.activeElement === document.body || reopen)) find(focus)?.focus({ preventScroll: true });
    find("#message [role=alert]")?.scrollIntoView({ block: "nearest" });
    next();
  }, 100);
  const hints = () => window.lcoins.told()?.hints || [];
  const edit = (edited, ...then) => window.lcoins.send(() => ({ hints: edited(hints()) }), ...then);
  const sentenceColors = () => [...document.querySelectorAll("#words [data-word]")].map((word) => word.dataset.color);
  const add = (points, color, ...then) => edit((list) => [...list, { points, color }], ...then);
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
      const index = Number(word.dataset.word);
      const color = await window.lcoins.choose(`Instead of “${word.textContent}”`, []);
      if (color) window.lcoins.send({ word: { index, color } }, `#words [data-word="${index}"]`);
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
    // Open, so that the next one can be given at once.
    add(points, color.value, "#hints form input", true);
  }, true);
}
