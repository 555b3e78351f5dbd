// Charts are drawn from tables: each row is a place on the time axis, in data-x of its first cell, and each head with data-series is
// a line of that colour. On Now, the numbers and the tables are replaced as the desk sends them.
"use strict";

const drawn = new Map(); // by table
const day = 86_400; // seconds
const iso = (seconds) => new Date(seconds * 1000).toISOString();
const number = (text) => /\d/.test(text) ? Number(text) : null; // what is not known leaves a gap

function read(table) {
  const heads = [...table.tHead.rows[0].cells].map((cell, column) => ({ column, label: cell.textContent, colour: cell.dataset.series })).filter((head) => head.colour);
  const rows = [...table.tBodies[0].rows];
  const data = [rows.map((row) => Number(row.cells[0].dataset.x))];
  for (const head of heads) data.push(rows.map((row) => number(row.cells[head.column].dataset.value ?? row.cells[head.column].textContent)));
  return { heads, data };
}

function draw(table) {
  const { heads, data } = read(table);
  if (drawn.has(table)) return drawn.get(table).setData(data);
  if (data[0].length === 0) return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const place = document.createElement("div");
  place.className = "chart";
  place.setAttribute("aria-hidden", "true"); // the table says the same
  table.closest("figure").prepend(place);
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  const places = data[0].every((seconds) => seconds % day === 0)
    ? { values: (_, all) => all.map((seconds) => iso(seconds).slice(0, 10)), space: 90, incrs: [1, 2, 3, 5, 7, 10, 15, 30, 60, 90, 180, 365].map((days) => days * day) }
    : { values: (_, all) => all.map((seconds) => iso(seconds).slice(11, 16)) };
  const chart = new uPlot({
    width: place.clientWidth, height: 240, legend: { live: false }, padding: [null, 36, null, null], // for half of the last date
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x: { range: ({ data: [[first, ...others]] }, least, most) => others.length ? [least, most] : [first - day, first + day] }, y: { range: (_, least, most) => [0, Math.max(most, 1)] } },
    axes: [{ ...axis, ...places }, { ...axis, size: 60 }],
    series: [{}, ...heads.map((head) => ({ label: head.label, stroke: colour(head.colour), width: 2, spanGaps: true, points: { show: alone } }))],
  }, data, place);
  drawn.set(table, chart);
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 240 })).observe(place);
}

// alone reports whether a line has one place only, which is drawn as a point.
const alone = (chart, line) => chart.data[line].filter((value) => value !== null).length === 1;

// replace puts the numbers that were sent where the old ones are. A link that has the focus keeps it, or the one in its place gets it.
function replace(html) {
  const sent = document.createElement("template");
  sent.innerHTML = html;
  sent.content.querySelectorAll("time").forEach(local);
  for (const part of sent.content.querySelectorAll("[data-live]")) {
    const there = document.getElementById(part.id);
    if (!there || there.innerHTML === part.innerHTML) continue;
    const links = () => [...there.querySelectorAll("a")];
    const focused = document.activeElement, place = links().indexOf(focused);
    there.innerHTML = part.innerHTML;
    if (place < 0) continue;
    const same = links().slice(0, place + 1).findLast((link) => link.href === focused.href); // the table's first row leaves it as minutes pass
    (same ?? links()[place])?.focus({ preventScroll: true });
  }
  document.querySelectorAll("table[data-chart]").forEach(draw);
}

document.querySelectorAll("table[data-chart]").forEach(draw);
const live = document.getElementById("live");
if (live) {
  const events = new EventSource(live.dataset.events);
  const state = document.getElementById("state");
  events.onmessage = (event) => { replace(event.data); state.textContent = "These numbers follow what happens."; };
  events.onerror = () => { state.textContent = events.readyState === EventSource.CLOSED
    ? "These numbers do not follow any more. Load this page again." : "The desk does not answer now; these numbers are the last ones."; };
}
