"use strict";

// Tables of numbers by day, drawn above themselves. The table is what there is without script.

function read(figure) {
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) => ({
    at: Date.parse(row.querySelector("time").dateTime) / 1000,
    number: Number(row.querySelector("[data-value]").dataset.value),
    words: `${row.cells[0].textContent.trim()}: ${row.querySelector("[data-value]").textContent.trim()}`,
  }));
  return rows.sort((one, other) => one.at - other.at);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function written(seconds) {
  const words = { day: "numeric", month: "short", timeZone: "UTC" };
  return new Date(seconds * 1000).toLocaleDateString(navigator.languages, words);
}

function draw(figure) {
  const rows = read(figure);
  const place = figure.querySelector(".drawn");
  const said = figure.querySelector(".at");
  const isLine = figure.dataset.series === "line";
  const axis = {
    stroke: colour("--quiet"),
    font: "12px Inter, sans-serif",
    grid: { stroke: colour("--hairline"), width: 1 },
    ticks: { show: false },
  };
  const day = 86400;
  const span = [rows[0].at - day / 2, Math.max(rows.at(-1).at, rows[0].at + 6 * day) + day / 2];
  return new uPlot(
    {
      width: place.clientWidth,
      height: 190,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: isLine } },
      scales: { x: { range: () => span }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
      axes: [
        { ...axis, grid: { show: false }, values: (_, days) => days.map(written), space: 60 },
        { ...axis, size: 64, values: (_, numbers) => numbers.map((one) => one.toLocaleString(navigator.languages)) },
      ],
      series: [
        {},
        {
          stroke: colour("--accent"),
          fill: isLine ? undefined : colour("--accent"),
          width: isLine ? 2 : 0,
          points: { show: isLine, size: 6, fill: colour("--accent") },
          paths: isLine ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.bars({ size: [0.6, 36] }),
        },
      ],
      hooks: {
        setCursor: [(chart) => { said.textContent = rows[chart.cursor.idx]?.words ?? ""; }],
      },
    },
    [rows.map((one) => one.at), rows.map((one) => one.number)],
    place,
  );
}

function show(figure) {
  const place = figure.querySelector(".drawn");
  place.hidden = false;
  for (const numbers of figure.querySelectorAll("details.numbers")) numbers.open = false;
  let chart = draw(figure);
  new ResizeObserver(() => {
    if (place.clientWidth !== chart.width) chart.setSize({ width: place.clientWidth, height: 190 });
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    chart.destroy();
    chart = draw(figure);
  });
}

// Once each, also those that come with a part of the page.
function showAll() {
  for (const figure of document.querySelectorAll("figure[data-series]:not([data-shown])")) {
    figure.dataset.shown = "";
    if (figure.querySelector("tbody tr")) show(figure);
  }
}

showAll();
document.addEventListener("htmx:after:swap", showAll);
