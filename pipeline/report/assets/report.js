/* The page: receives data from the run's scripts and follows the URL hash. */
"use strict";

const page = { run: null, rows: [], videos: new Map(), pending: 0, panel: null };

/** Load a data script; a page opened from disk can load scripts but cannot fetch. */
function loadScript(source, failed) {
  const script = c2fpl.element("script", { src: source });
  script.addEventListener("error", failed);
  document.head.append(script);
}

/** From data/run.js. */
c2fpl.receiveRun = function (run, events) {
  page.run = run;
  page.events = events;
  page.pending = run.tables.length;
  run.tables.forEach((source) => loadScript(source, () => missing(source)));
};

/** From data/videos-<start>.js. */
c2fpl.receiveRows = function (start, rows) {
  rows.forEach((row, index) => (page.rows[start + index] = row));
  page.pending -= 1;
  if (page.pending === 0) build();
};

/** From videos/<index>.js. */
c2fpl.receiveVideo = function (index, video) {
  page.videos.set(index, video);
  follow();
};

function missing(source) {
  document.getElementById("rule").textContent =
    `${source} is missing; run c2fpl report to rebuild this page.`;
}

function build() {
  const { run, rows } = page;
  document.title = `${run.name} \u2013 c2fpl report`;
  document.getElementById("run-name").textContent = run.name;
  document.getElementById("summary").replaceChildren(...tiles(run));
  document.getElementById("rule").textContent =
    `An event reaches a score of ${c2fpl.score(run.threshold)} (${run.rule}) and extends to where `
    + "the score returns towards its usual level; events close together are one. "
    + "Scores rank footage within this run; they are not probabilities."
    + confidenceText((run.record.run || {}).confidence);
  const events = c2fpl.eventsOf(page.events, rows.map((row) => row[0]));
  const feedback = new c2fpl.Feedback(events);
  page.cards = new c2fpl.EventCards(run, events, feedback);
  page.table = c2fpl.videoTable(rows);
  page.table.on("dataFiltered", (filters, kept) => countVideos(kept.length));
  page.table.on("rowClick", (event, row) => {
    if (!event.target.closest("a")) location.hash = c2fpl.address(row.getData().id);
  });
  countVideos(rows.length);
  buildFailures(run.failures);
  buildRecord(run);
  page.panel = new c2fpl.Panel(run, feedback, (index) => navigate(index));
  listen();
  follow();
  document.documentElement.dataset.ready = "yes";
}

function confidenceText(confidence) {
  if (!confidence) return "";
  const line = confidence.line;
  return ` ${line[0].toUpperCase()}${line.slice(1)}.`;
}

function tiles(run) {
  // The seconds of watch are those of the last arrival only.
  const seconds = Object.entries(run.record).reduce((sum, [name, step]) =>
    sum + ((name !== "watch" && step && step.seconds && step.seconds.total) || 0), 0);
  const confidence = (run.record.run || {}).confidence;
  const tile = (value, label, state = "") => c2fpl.element("div", { className: `tile ${state}` },
    c2fpl.element("b", {}, value), c2fpl.element("span", {}, label));
  return [
    tile(run.videos.toLocaleString("en"), run.videos === 1 ? "video" : "videos"),
    ...(run.unscored.length ? [tile(`${run.unscored.length}`, "without scores", "is-bad")] : []),
    tile(c2fpl.duration(run.seconds), "of footage"),
    tile(run.events.toLocaleString("en"), run.events === 1 ? "event" : "events"),
    tile(`${run.failures.length}`, "failed", run.failures.length ? "is-bad" : ""),
    tile(c2fpl.score(run.threshold), "threshold"),
    ...(confidence ? [tile(confidence.level, "noise check", confidence.level === "weak" ? "is-bad" : "")] : []),
    ...(seconds ? [tile(c2fpl.duration(seconds), "computing time")] : []),
    ...["auc", "ap"].filter((name) => typeof run.metrics[name] === "number")
      .map((name) => tile(c2fpl.score(run.metrics[name]), name.toUpperCase())),
  ];
}

function countVideos(kept) {
  const all = page.rows.length;
  document.getElementById("videos-count").textContent = kept === all ? `${all}` : `${kept} of ${all}`;
}

function buildFailures(failures) {
  if (!failures.length) return;
  document.getElementById("failures").hidden = false;
  document.getElementById("failures-link").hidden = false;
  document.getElementById("failures-count").textContent = `${failures.length}`;
  c2fpl.failureTable(failures);
}

/** Settings, versions and times of each command that wrote to the run. */
function buildRecord(run) {
  document.getElementById("links").replaceChildren("Full data: ",
    ...Object.entries(run.links).flatMap(([name, href]) => [c2fpl.element("a", { href }, name), " "]));
  const parts = { ...run.record, ...(Object.keys(run.metrics).length ? { metrics: run.metrics } : {}) };
  document.getElementById("record").replaceChildren(
    ...Object.entries(parts).map(([name, value]) => c2fpl.element("details", {},
      c2fpl.element("summary", {}, name, c2fpl.element("small", {}, summaryOf(value))), nested(value))));
}

function summaryOf(value) {
  const times = Object.entries((value && value.seconds) || {});
  return times.map(([stage, seconds]) => ` ${stage} ${c2fpl.duration(seconds)}`).join(" \u00b7");
}

/** Any JSON value as nested lists of names and values. */
function nested(value) {
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) return value.join(" ");
  return c2fpl.element("dl", {}, ...Object.entries(value).flatMap(([name, item]) =>
    [c2fpl.element("dt", {}, name), c2fpl.element("dd", {}, nested(item))]));
}

function listen() {
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    page.cards.filter(filter.value);
    page.table.setFilter((row, typed) => c2fpl.matches(row.name, typed), filter.value);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, dialog")) return;
    event.preventDefault();
    filter.focus();
  });
  document.getElementById("theme").addEventListener("click", switchTheme);
  window.addEventListener("hashchange", follow);
}

function switchTheme() {
  const chosen = document.documentElement.dataset;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  chosen.theme = (chosen.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
}

/** Open a video; null closes the panel without moving the page. */
function navigate(index) {
  if (index !== null) history.replaceState(null, "", c2fpl.address(index));
  else history.replaceState(null, "", location.pathname + location.search);
  follow();
}

/** Follow the URL hash: #video=<index>&t=<seconds> opens the panel. */
function follow() {
  if (!page.panel) return;
  const wanted = new URLSearchParams(location.hash.slice(1));
  const index = Number(wanted.get("video"));
  if (!wanted.has("video") || !(index >= 0 && index < page.run.videos)) {
    page.panel.close();
    return;
  }
  const video = page.videos.get(index);
  if (video === undefined) {
    loadScript(`videos/${index}.js`, () => missing(`videos/${index}.js`));
    return;
  }
  const event = page.events.find(([owner, , , , still]) => owner === index && still);
  page.panel.open(index, video, Number(wanted.get("t")) || 0, event && `stills/${event[4]}`);
}
