"use strict";

// What screens gain by script. Without it each of this is a link, a form or a table.

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/* The palette: Ctrl-K or ⌘K anywhere, then arrows and Enter. */

const palette = document.getElementById("palette");
const words = palette.querySelector("input");
const found = document.getElementById("found");

function options() {
  return [...found.querySelectorAll("[role=option]")];
}

function choose(one) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === one));
  if (one) {
    one.id = "chosen";
    words.setAttribute("aria-activedescendant", "chosen");
    one.scrollIntoView({ block: "nearest" });
  } else words.removeAttribute("aria-activedescendant");
}

function chosen() {
  return found.querySelector("[aria-selected=true]");
}

function move(steps) {
  const all = options();
  if (all.length === 0) return;
  const old = chosen();
  old?.removeAttribute("id");
  choose(all[(all.indexOf(old) + steps + all.length) % all.length]);
}

function openPalette() {
  if (palette.open) return;
  palette.showModal();
  words.select();
  words.dispatchEvent(new Event("palette"));
}

palette.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && chosen()) {
    event.preventDefault();
    chosen().click();
  }
});
palette.addEventListener("click", (event) => {
  if (event.target === palette) palette.close();
});
palette.addEventListener("htmx:after:swap", () => choose(options()[0]));

document.getElementById("seek").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openPalette();
});
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  openPalette();
});
if (isApple) for (const key of document.querySelectorAll(".seek kbd")) key.textContent = "⌘K";

/* The live tail: the newest rows, for as long as nobody holds them. */

const MOST_ROWS = 100;
const hold = document.getElementById("hold");

hold?.addEventListener("click", () => {
  const isHeld = hold.getAttribute("aria-pressed") !== "true";
  hold.setAttribute("aria-pressed", String(isHeld));
  hold.textContent = isHeld ? "Go on" : "Pause";
});
document.addEventListener("htmx:sse:before:message", (event) => {
  if (hold?.getAttribute("aria-pressed") === "true") event.preventDefault();
});
document.addEventListener("htmx:sse:after:message", () => {
  const rows = document.getElementById("told")?.rows ?? [];
  for (const row of [...rows].slice(MOST_ROWS)) row.remove();
});

/* Derivations beside their numbers are CSS; Esc puts one away until it is come to again. */

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const one of document.querySelectorAll(".derives:hover, .derives:focus-within")) {
    one.classList.add("dismissed");
    const back = () => one.classList.remove("dismissed");
    one.addEventListener("mouseenter", back, { once: true });
    one.addEventListener("focusin", back, { once: true });
  }
});

/* What was done just now can be undone once; who comes back by the address was not there. */

if (document.getElementById("undo")) history.replaceState(null, "", location.pathname);

/* Whoever was signed out meanwhile is told so by the page: it asks them to sign in. */

document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) location.reload();
});
