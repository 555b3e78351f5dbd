// What pages do beyond what HTML does. Without it they can still be read, and forms sent.
"use strict";

// local writes a time in the reader's own zone, with UTC beside it, in the form that the desk writes.
function local(element) {
  const at = new Date(element.dateTime);
  if (isNaN(at) || element.title) return;
  const utc = element.textContent;
  const shown = new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace("T", " ");
  element.title = utc;
  element.textContent = at.getTimezoneOffset() === 0 ? utc : `${shown} (${utc.slice(-12)})`;
}

// A key presses the button, or follows the link, that has it in data-key; not while somebody writes, and once however long it is held:
// the next page has the same keys.
function press(event) {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const wanted = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === event.key);
  if (!wanted) return;
  event.preventDefault();
  wanted.matches("input, textarea, select") ? wanted.focus() : wanted.click();
}

document.querySelectorAll("time").forEach(local);
document.addEventListener("keydown", press);

// numbered shows the numbers of a field's lines beside it, and marks those that have faults.
function numbered(area) {
  const faults = new Set(area.dataset.faults.split(","));
  const numbers = document.createElement("pre");
  numbers.className = "lines";
  numbers.setAttribute("aria-hidden", "true");
  area.before(numbers);
  const show = () => {
    const count = area.value.split("\n").length;
    if (numbers.childElementCount !== count) {
      numbers.replaceChildren(...Array.from({ length: count }, (_, i) => {
        const line = document.createElement(faults.has(String(i + 1)) ? "b" : "span");
        line.textContent = `${i + 1}\n`;
        return line;
      }));
    }
    numbers.scrollTop = area.scrollTop;
  };
  area.addEventListener("input", show);
  area.addEventListener("scroll", show);
  show();
}

// A link to a line of a field selects that line.
function toLine(event) {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  const area = document.querySelector(link.getAttribute("href"));
  const lines = area.value.split("\n");
  const before = lines.slice(0, link.dataset.line - 1).join("\n").length + (link.dataset.line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(before, before + lines[link.dataset.line - 1].length);
  area.scrollTop = (link.dataset.line - 3) * (area.scrollHeight / lines.length);
}

// A page about something that is under way is loaded again until that has ended.
if (document.querySelector("[data-wait]")) setTimeout(() => location.reload(), 2000);

document.querySelectorAll("textarea[data-faults]").forEach(numbered);
document.addEventListener("click", toLine);
