// The page of a study. The server knows how far a person is; this page shows that, and sends one answer after another.
"use strict";
const $ = (id) => document.getElementById(id);
const PENDING = "lcoins-study-vote"; // a vote that the server has not acknowledged survives a reload here
let csrf = "";
let clock = null; // when the pictures of this trial were all on the screen
let focusLost = 0;
let trial = null;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

// Sends until there is an answer: a connection that comes back loses nothing, and the same vote counts once.
async function ask(path, body) {
  for (let pause = 500; ; pause = Math.min(2 * pause, 8000)) {
    let reason = "Waiting for the connection";
    try {
      const options = body === undefined ? {} : {
        method: "POST", body: JSON.stringify(body),
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      };
      const response = await fetch(path, { ...options, cache: "no-store" });
      if (response.ok) {
        say("");
        return await response.json();
      }
      if (response.status !== 429 && response.status < 500) {
        say((await response.json().catch(() => ({}))).error || "The page is out of date; please reload it.");
        return null;
      }
      reason = response.status === 429 ? "Many people are here at once" : "The study does not answer";
    } catch (error) {
      // no connection
    }
    say(`${reason}; this page tries again by itself, and nothing is lost.`);
    await wait(pause);
  }
}

function keep(ballot) {
  try {
    if (ballot) localStorage.setItem(PENDING, JSON.stringify(ballot));
    else localStorage.removeItem(PENDING);
  } catch (error) {
    // a browser that stores nothing can still vote
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(PENDING));
  } catch (error) {
    return null;
  }
}

async function picture(address) {
  for (let attempt = 0; ; attempt++) {
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    image.src = address;
    try {
      await image.decode(); // complete and decoded, or an error
      return image;
    } catch (error) {
      if (attempt === 3) throw error;
      await wait(1000);
    }
  }
}

function show(state) {
  if (!state) return;
  csrf = state.csrf;
  document.title = $("title").textContent = state.title;
  for (const name of ["consent", "check", "trial", "done"]) $(name).hidden = name !== state.stage;
  $("progress").textContent = state.stage === "trial" ? `${state.answered + 1} of ${state.total}` : "";
  if (state.stage === "consent") {
    $("terms").replaceChildren(...state.consent.text.split("\n").filter((line) => line.trim()).map((line) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      return paragraph;
    }));
    $("consent").dataset.version = state.consent.version;
  } else if (state.stage === "check") {
    showPlates(state.plates);
  } else if (state.stage === "trial") {
    showTrial(state);
  } else {
    $("code").textContent = state.code;
    $("give").hidden = Boolean(state.return_url);
    $("return").hidden = !state.return_url;
    if (state.return_url) $("return").href = state.return_url;
  }
  window.scrollTo(0, 0);
}

async function showPlates(addresses) {
  $("again").hidden = true;
  try {
    const images = await Promise.all(addresses.map(picture));
    $("plates").replaceChildren(...images.map((image, index) => {
      const label = document.createElement("label");
      const select = document.createElement("select");
      select.required = true;
      select.name = "digit";
      for (const text of ["", "none", ..."0123456789"]) select.add(new Option(text || "choose …", text));
      image.alt = `Disk ${index + 1}`;
      label.append(image, select);
      return label;
    }));
  } catch (error) {
    retry(() => showPlates(addresses));
  }
}

function retry(action) {
  say("A picture could not be loaded. Check the connection.");
  $("again").hidden = false;
  $("again").onclick = () => {
    say("");
    action();
  };
}

async function showTrial(state) {
  trial = state.trial;
  clock = null;
  $("again").hidden = true;
  $("next").disabled = true;
  $("question").textContent = state.question;
  $("caption").textContent = trial.caption;
  $("loading").hidden = false;
  const legend = $("options").firstElementChild;
  $("options").replaceChildren(legend);
  let images;
  try {
    images = await Promise.all(trial.pictures.map(picture));
  } catch (error) {
    retry(() => showTrial(state));
    return;
  }
  if (state.trial !== trial) return;
  $("options").classList.toggle("two", images.length === 2);
  $("options").classList.toggle("tall", images[0].naturalHeight > images[0].naturalWidth);
  $("options").replaceChildren(legend, ...images.map((image, index) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const number = document.createElement("span");
    label.className = "option";
    input.type = "radio";
    input.name = "choice";
    input.value = index;
    input.setAttribute("aria-label", `Picture ${index + 1}`);
    input.addEventListener("change", () => { $("next").disabled = false; });
    number.textContent = index + 1;
    label.append(input, image, number);
    return label;
  }));
  $("loading").hidden = true;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    clock = performance.now();
    focusLost = 0;
    for (const address of state.next) new Image().src = address; // so that the next trial need not wait
  }));
}

async function vote(ballot) {
  keep(ballot);
  const state = await ask("vote", ballot);
  keep(null);
  show(state || await ask("state"));
}

$("consent").addEventListener("submit", async (event) => {
  event.preventDefault();
  show(await ask("join", { consent: $("consent").dataset.version, query: location.search.slice(0, 1000) }));
});

$("check").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData($("check"));
  show(await ask("check", {
    digits: form.getAll("digit"), filter: form.get("filter"), device: form.get("device"),
    screen: [screen.width, screen.height],
  }));
});

$("trial").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = document.querySelector("#options input:checked");
  if (!chosen || clock === null) return;
  const box = chosen.parentElement.querySelector("img").getBoundingClientRect();
  const milliseconds = Math.round(performance.now() - clock);
  clock = null; // a second press of Enter sends nothing
  $("next").disabled = true;
  vote({
    uuid: uuid(), number: trial.number, position: Number(chosen.value), milliseconds,
    width: box.width, height: box.height, pixel_ratio: devicePixelRatio, focus_lost: focusLost,
  });
});

document.addEventListener("keydown", (event) => {
  if ($("trial").hidden || event.ctrlKey || event.altKey || event.metaKey || !/^[1-9]$/.test(event.key)) return;
  const input = document.querySelectorAll("#options input")[Number(event.key) - 1];
  if (input) {
    input.checked = true;
    input.focus();
    $("next").disabled = false;
    event.preventDefault();
  }
});

window.addEventListener("blur", () => { focusLost += 1; });

(async () => {
  const state = await ask("state");
  const ballot = kept();
  if (state) csrf = state.csrf;
  if (ballot && state && state.stage === "trial" && state.trial.number === ballot.number) vote(ballot);
  else {
    keep(null);
    show(state);
  }
})();
