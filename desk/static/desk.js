// What pages do beyond what HTML does. Without it they can still be read, and forms sent.
"use strict";

// local writes a time in the reader's own zone, with UTC beside it.
function local(element) {
  const at = new Date(element.dateTime);
  if (isNaN(at) || element.title) return;
  const utc = element.textContent;
  const shown = at.toLocaleString(undefined, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  element.title = utc;
  element.textContent = at.getTimezoneOffset() === 0 ? utc : `${shown} (${utc.slice(-12)})`;
}

// A key presses the button, or follows the link, that has it in data-key; not while somebody writes.
function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const wanted = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === event.key);
  if (!wanted) return;
  event.preventDefault();
  wanted.matches("input, textarea, select") ? wanted.focus() : wanted.click();
}

document.querySelectorAll("time").forEach(local);
document.addEventListener("keydown", press);
