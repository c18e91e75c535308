"use strict";

// The token that the command line prints stands behind a #: it never leaves the browser but in the form.
(() => {
  const entry = document.getElementById("entry");
  if (!entry || location.hash.length < 9) return;
  const secret = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("secret").value = secret;
  entry.submit();
})();

// Dark or light: as the system has it, until somebody says otherwise.
(() => {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const say = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
  button.hidden = false;
  say();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    document.cookie = "theme=" + root.dataset.theme + ";path=/;max-age=31536000;samesite=strict";
    say();
    document.dispatchEvent(new Event("theme"));
  });
})();

// The menu of narrow windows.
(() => {
  const button = document.getElementById("menu");
  if (!button) return;
  const side = button.closest(".side");
  const fold = (folded) => { side.classList.toggle("folded", folded); button.setAttribute("aria-expanded", String(!folded)); };
  fold(true);
  button.addEventListener("click", () => fold(!side.classList.contains("folded")));
})();

// Local time of what the pointer or the focus rests on.
(() => {
  const local = (event) => {
    const time = event.target.closest && (event.target.closest("time") || event.target.querySelector && event.target.querySelector(":scope > time"));
    if (!time || time.title) return;
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.title = moment.toLocaleString() + " (local), " + time.dateTime;
  };
  document.addEventListener("mouseover", local);
  document.addEventListener("focusin", local);
})();

// After a part of a page was exchanged, the focus is at its beginning, and not lost.
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  const asked = event.detail.requestConfig && event.detail.requestConfig.elt;
  if (target && target.id === "results" && asked && asked.tagName === "A") target.focus({ preventScroll: true });
});

// Scans and interactions over time.
(() => {
  const place = document.querySelector("[data-chart]");
  if (!place || typeof uPlot === "undefined") return;
  const data = JSON.parse(place.dataset.chart);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot = null;
  const draw = () => {
    if (plot) plot.destroy();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const bars = uPlot.paths.bars({ size: [0.75, 40], align: 1 });
    const step = data[0].length > 1 ? data[0][1] - data[0][0] : 3600;
    const stacked = [data[0], data[1].map((scans, index) => scans + data[2][index]), data[2]];
    plot = new uPlot({
      width: place.clientWidth,
      height: 160,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { y: false },
      legend: { live: true },
      scales: { x: { range: (u, low, high) => [low, high + step] }, y: { range: (u, low, high) => [0, Math.max(4, high * 1.1)] } },
      series: [
        { label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" },
        { label: "Scans", fill: colour("--scan"), stroke: colour("--scan"), width: 0, paths: bars, points: { show: false }, value: (u, value, series, index) => index === null || index === undefined ? "–" : String(data[1][index]) },
        { label: "Interactions", fill: colour("--interaction"), stroke: colour("--interaction"), width: 0, paths: bars, points: { show: false } },
      ],
      axes: [
        { ...axis, values: (u, splits) => splits.map((at) => { const text = new Date(at * 1000).toISOString(); return at % 86400 ? text.slice(11, 16) : text.slice(5, 10); }) },
        { ...axis, size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000] },
      ],
    }, stacked, place);
    const canvas = place.querySelector("canvas");
    if (canvas) canvas.setAttribute("aria-hidden", "true");
  };
  draw();
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(draw, 150); });
  document.addEventListener("theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();

// The live feed.
(() => {
  const list = document.getElementById("feed");
  if (!list) return;
  const MOST = 300;
  const pause = document.getElementById("pause");
  const announce = document.getElementById("announce");
  const live = document.getElementById("live");
  const state = document.getElementById("state");
  let after = list.dataset.after;
  let source = null;
  let fresh = 0;
  const say = (text) => { state.textContent = text; };
  const take = (message) => {
    const { html, seq } = JSON.parse(message.data);
    const part = document.createElement("template");
    part.innerHTML = html;
    const row = part.content.firstElementChild;
    if (!row) return;
    after = String(seq);
    row.classList.add("new");
    list.prepend(row);
    fresh += 1;
    while (list.children.length > MOST) list.lastElementChild.remove();
  };
  const stop = () => { if (source) source.close(); source = null; };
  const start = () => {
    stop();
    source = new EventSource("/feed/stream?least=" + encodeURIComponent(list.dataset.least) + "&after=" + encodeURIComponent(after));
    source.addEventListener("open", () => say("Live."));
    source.addEventListener("message", take);
    source.addEventListener("skipped", (message) => say("Live; " + JSON.parse(message.data).number + " events were left out, there were too many."));
    source.addEventListener("error", () => say("The connection is gone; it is tried again."));
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) { stop(); say("Paused. What comes meanwhile is shown when it goes on."); } else { start(); }
  });
  setInterval(() => {
    if (announce.checked && fresh) live.textContent = fresh + " new events. The last: " + list.firstElementChild.querySelector(".what").textContent.trim().slice(0, 200);
    fresh = 0;
  }, 5000);
  start();
})();

// Unsaved text isn't left by accident.
(() => {
  const area = document.querySelector(".editor textarea");
  if (!area) return;
  let changed = false;
  area.addEventListener("input", () => { changed = true; });
  area.form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
})();
