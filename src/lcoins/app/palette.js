// The palette: a dialog with the names of colors. lcoins.choose(title, first) resolves to a name, or null.
() => {
  const find = (selector) => document.querySelector(selector);
  const dialog = () => find("#palette");
  let looks = null, answer = null;
  const load = () => {
    if (looks) return looks;
    const { basic, colors } = JSON.parse(find("[data-palette]").dataset.palette);
    looks = { basic, colors, css: new Map(colors) };
    find("#color-names").replaceChildren(...colors.map(([name]) => new Option(name)));
    return looks;
  };
  const swatch = (name, css) => {
    const button = document.createElement("button"), dot = document.createElement("i");
    button.type = "button";
    button.dataset.color = name;
    dot.style.background = css;
    button.append(dot, name);
    return button;
  };
  const group = (title, entries) => {
    const part = document.createElement("section"), head = document.createElement("h3"), box = document.createElement("div");
    head.textContent = title;
    box.append(...entries.map(([name, css]) => swatch(name, css)));
    part.append(head, box);
    return part;
  };
  const fill = (wanted) => {
    const { basic, colors, css } = load();
    const text = wanted.trim().toLowerCase(), box = dialog().querySelector(".swatches");
    const fits = colors.filter(([name]) => name.includes(text));
    const first = (dialog().first || []).filter((name) => css.has(name)).map((name) => [name, css.get(name)]);
    const groups = text
      ? [["Found", fits]]
      : [["Used here", first], ["Common", colors.slice(0, basic)], ["More", colors.slice(basic)]];
    box.replaceChildren(...groups.filter(([, entries]) => entries.length).map(([title, entries]) => group(title, entries)));
    box.scrollTop = 0;
    dialog().querySelector("[role=status]").textContent =
      text && !fits.length ? `No color of the palette is called “${wanted.trim()}”.` : "";
  };
  const close = (name) => {
    const done = answer;
    answer = null;
    if (dialog().open) dialog().close();
    if (done) done(name);
  };
  window.lcoins.colorNames = load;
  window.lcoins.choose = (title, first) => {
    close(null);
    find("#palette-title").textContent = title;
    dialog().first = first;
    const search = dialog().querySelector("input");
    search.value = "";
    fill("");
    dialog().showModal();
    if (matchMedia("(pointer: coarse)").matches) dialog().querySelector(".swatches button").focus();
    return new Promise((resolve) => { answer = resolve; });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#palette button[data-color]");
    if (button) close(button.dataset.color);
    else if (event.target.closest("#palette [data-close]") || event.target === dialog()) close(null);
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest("#palette input")) fill(event.target.value);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.closest("#palette input")) return;
    event.preventDefault();
    const { css } = load(), name = event.target.value.trim().toLowerCase();
    const found = css.has(name) ? name : dialog().querySelector(".swatches button")?.dataset.color;
    if (found && name) close(found);
  }, true);
  document.addEventListener("cancel", (event) => {
    if (event.target === dialog()) close(null);
  }, true);
}
