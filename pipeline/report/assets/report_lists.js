/* The ranked events, the video table and the failure table. */
"use strict";

const CARDS_AT_ONCE = 24;
const SPARK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The URL hash that opens a video at a time. */
c2fpl.address = (index, seconds = 0) => `#video=${index}&t=${+seconds.toFixed(3)}`;

/** Name of an event in feedback.csv; the end frame is exclusive. */
c2fpl.eventName = (video, start, end) => `${video}:${start}-${end}`;

/** Events from the rows of event_data in page_data.py. */
c2fpl.eventsOf = (rows, names) =>
  rows.map(([video, start, end, peak, still, first, last], index) => ({
    rank: index + 1, video, start, end, peak, still, name: names[video],
    id: c2fpl.eventName(names[video], first, last),
  }));

/** Event cards with the buttons of c2fpl.Feedback. */
c2fpl.EventCards = class {
  constructor(run, events, feedback) {
    this.run = run;
    this.events = events;
    this.feedback = feedback;
    this.typed = "";
    this.shown = CARDS_AT_ONCE;
    this.list = document.getElementById("event-cards");
    this.more = document.getElementById("more-events");
    this.more.addEventListener("click", () => this.draw(this.shown + CARDS_AT_ONCE));
    this.order = document.getElementById("events-order");
    this.order.addEventListener("change", () => this.draw(CARDS_AT_ONCE));
    this.draw(CARDS_AT_ONCE);
  }

  filter(typed) {
    this.typed = typed;
    this.draw(CARDS_AT_ONCE);
  }

  sorted() {
    const orders = {
      score: (a, b) => a.rank - b.rank,
      length: (a, b) => b.end - b.start - (a.end - a.start),
      video: (a, b) => (a.name === b.name ? a.start - b.start : a.name < b.name ? -1 : 1),
    };
    return this.events
      .filter((event) => c2fpl.matches(event.name, this.typed))
      .sort(orders[this.order.value]);
  }

  draw(count) {
    const events = this.sorted();
    this.shown = count;
    this.list.replaceChildren(...events.slice(0, count).map((event) => this.card(event)));
    this.more.hidden = events.length <= count;
    document.getElementById("events-count").textContent = this.countText(events.length);
  }

  countText(matching) {
    const listed = this.events.length;
    const most = listed < this.run.events
      ? `the ${listed} with the highest scores of ${this.run.events.toLocaleString("en")}` : `${listed}`;
    if (!listed) return "none: no score is high enough";
    return this.typed ? `${matching} of ${most}` : most;
  }

  card(event) {
    const length = c2fpl.duration(event.end - event.start);
    const folders = event.name.split("/");
    const file = folders.pop();
    const picture = event.still
      ? c2fpl.element("img", { src: `stills/${event.still}`, alt: "", loading: "lazy", decoding: "async" })
      : c2fpl.element("span", { className: "no-still" }, "no picture");
    const link = c2fpl.element("a", { href: c2fpl.address(event.video, event.start) },
      picture,
      c2fpl.element("span", { className: "rank" }, `${event.rank}`),
      c2fpl.element("b", { className: "peak", title: "highest score" }, c2fpl.score(event.peak)),
      c2fpl.element("span", { className: "times" },
        `${c2fpl.clock(event.start, 1)} \u2013 ${c2fpl.clock(event.end, 1)}`,
        c2fpl.element("small", {}, ` ${length}`)),
      c2fpl.element("span", { className: "name", title: event.name }, file),
      c2fpl.element("small", { className: "name" }, folders.join("/") || "\u00a0"));
    return c2fpl.element("li", {}, link, this.feedback.buttons(event));
  }
};

/** A small curve as SVG; each letter is one step. */
c2fpl.spark = function (letters) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${letters.length} 64`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const steps = [...letters].map((letter) => `V${63 - SPARK_LETTERS.indexOf(letter)}h1`);
  path.setAttribute("d", `M0 64${steps.join("")}V64Z`);
  svg.append(path);
  return svg;
};

const PHONE = window.matchMedia("(max-width: 640px)").matches;
const NAME_FILTER = { headerFilter: "input", headerFilterPlaceholder: "filter",
                      headerFilterFunc: (typed, name) => c2fpl.matches(name, typed) };
const LEAST_FILTER = { headerFilter: "number", headerFilterFunc: ">=", headerFilterPlaceholder: "\u2265" };

/** The video table, which can be sorted and filtered; only visible rows are drawn. */
c2fpl.videoTable = function (rows) {
  const names = ["name", "seconds", "peak", "mean", "events", "above", "lost", "spark", "damage"];
  const data = rows.map((row, id) =>
    Object.fromEntries([["id", id], ...names.map((name, index) => [name, row[index]])]));
  const number = { hozAlign: "right", headerHozAlign: "right", sorter: "number", width: 92, minWidth: 70 };
  const text = (write) => (cell) => document.createTextNode(write(cell.getValue()));
  const lost = (cell) =>
    document.createTextNode(cell.getValue() + (cell.getData().damage ? " ?" : ""));
  const damage = (_, cell) =>
    cell.getData().damage ? c2fpl.element("span", {}, cell.getData().damage) : false;
  const link = (cell) => c2fpl.element("a",
    { href: c2fpl.address(cell.getData().id), title: cell.getValue() },
    c2fpl.element("bdi", { dir: "ltr" }, cell.getValue()));
  return new Tabulator("#video-table", {
    data,
    layout: "fitColumns",
    responsiveLayout: "hide",
    height: Math.min(620, 90 + 36 * Math.max(3, data.length)),
    rowHeight: PHONE ? 56 : 36,
    placeholder: "No video matches.",
    initialSort: [{ column: "peak", dir: "desc" }],
    columns: [
      { title: "Video", field: "name", formatter: link, widthGrow: 3, minWidth: 150, responsive: 0,
        ...NAME_FILTER },
      { title: "Curve", field: "spark", formatter: (cell) => c2fpl.spark(cell.getValue()),
        headerSort: false, widthGrow: 2, minWidth: PHONE ? 90 : 140, responsive: 1 },
      { title: "Peak", field: "peak", formatter: text(c2fpl.score), responsive: 0, ...number,
        ...LEAST_FILTER },
      { title: "Events", field: "events", formatter: text(String), responsive: 2, ...number,
        ...LEAST_FILTER },
      { title: "Above", field: "above", formatter: text((share) => `${(100 * share).toFixed(1)} %`),
        headerTooltip: "fraction of the frames above the threshold", responsive: 5, ...number },
      { title: "Mean", field: "mean", formatter: text(c2fpl.score), responsive: 6, ...number },
      { title: "Length", field: "seconds", formatter: text((value) => c2fpl.clock(value)), responsive: 3,
        ...number },
      { title: "Lost", field: "lost", formatter: lost, tooltip: damage,
        headerTooltip: "frames that could not be decoded; ? if a damaged file may be missing more", responsive: 7,
        ...number, width: 74 },
    ],
  });
};

/** The failed videos, each with step and reason. */
c2fpl.failureTable = function (failures) {
  const data = failures.map(([video, step, reason]) => ({ video, step, reason }));
  const text = (cell) => document.createTextNode(cell.getValue());
  const column = { formatter: text, variableHeight: true, ...NAME_FILTER };
  return new Tabulator("#failure-table", {
    data,
    layout: "fitColumns",
    maxHeight: 420,
    columns: [
      { title: "Video", field: "video", widthGrow: 2, ...column },
      { title: "Step", field: "step", width: 96, ...column },
      { title: "Reason", field: "reason", widthGrow: 4, ...column },
    ],
  });
};
