// Changes beside the sentence's text, sent to the server one after the other: a browser's requests may arrive in
// another order, and each change goes on from what the one before has left.
() => {
  const find = (selector) => document.querySelector(selector);
  const LONGEST = 20000; // milliseconds; later answers may never come, as from a server whose queue was full
  const waiting = [];
  let under = null; // the change that the server is at
  let typed = false; // whether somebody has typed since changes are under way
  const next = () => {
    under = waiting.shift() || null;
    if (!under) return;
    under.since = Date.now();
    find("#change").click(); // a hidden button, whose event reads the change from takeChange
  };
  // The change may be a function, which says at its turn what is to change. Once the page shows the answer, the focus
  // goes to what is named by `focus`, if it was lost, and `done` is called.
  window.lcoins.send = (change, { focus = null, done = null } = {}) => {
    if (!under) typed = false;
    waiting.push({ change, focus, done });
    if (!under || Date.now() - under.since > LONGEST) next();
  };
  window.lcoins.takeChange = (text) => {
    if (!under) return "{}";
    under.text = text;
    return JSON.stringify(typeof under.change === "function" ? under.change() : under.change);
  };
  // The sentence field after an answer: what the server gives, unless somebody has typed in the meantime.
  window.lcoins.afterChange = (given, text) => {
    const { focus, done, text: before } = under || {};
    setTimeout(() => {
      if (focus && document.activeElement === document.body) find(focus)?.focus({ preventScroll: true });
      find("#message [role=alert]")?.scrollIntoView({ block: "nearest" });
      if (done) done();
      next();
    }, 100);
    return given && !typed && text === before ? given : text;
  };
  document.addEventListener("input", (event) => { if (event.target.matches("#sentence textarea")) typed = true; });
}
