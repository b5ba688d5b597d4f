/* The score curve of one video, drawn by uPlot. The threshold and the playback cursor are separate
   elements, so moving them does not redraw the curve. */
"use strict";

/** handlers: seek(seconds), threshold(value), hover(seconds or null). */
c2fpl.Curve = class {
  constructor(parent, video, handlers) {
    this.video = video;
    this.handlers = handlers;
    this.events = [];
    this.time = 0;
    const seconds = [...video.starts.map((frame) => c2fpl.startOf(video, frame)), video.duration];
    const values = [...video.values, video.values[video.values.length - 1]];
    this.plot = new uPlot(this.options(parent), [seconds, values], parent);
    this.over = this.plot.over;
    this.addCursor();
    this.addThreshold();
    this.addSeeking();
    this.observer = new ResizeObserver(() => this.resize(parent));
    this.observer.observe(parent);
  }

  options(parent) {
    const axis = {
      stroke: () => c2fpl.colour("--quiet"),
      grid: { stroke: () => c2fpl.colour("--line"), width: 1 },
      ticks: { stroke: () => c2fpl.colour("--line"), width: 1, size: 4 },
      font: "12px system-ui, sans-serif",
    };
    const duration = this.video.duration;
    const clock = (plot, splits, axisIndex, space, step) =>
      splits.map((split) => c2fpl.clock(split, step < 1 ? 1 : 0));
    return {
      width: parent.clientWidth,
      height: this.height(),
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 5 } },
      scales: { x: { time: false, range: (plot, low, high) => this.within(low, high, duration) },
                y: { range: [0, 1.02] } },
      axes: [
        { ...axis, values: clock, space: 70, size: 30,
          incrs: [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400] },
        { ...axis, size: 44, incrs: [0.2, 0.5, 1] },
      ],
      series: [
        {},
        { stroke: () => c2fpl.colour("--score"), fill: () => c2fpl.colour("--score-fill"),
          width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
      ],
      hooks: {
        drawClear: [(plot) => this.drawSpans(plot)],
        setScale: [() => this.place()],
        setSize: [() => this.place()],
        setCursor: [(plot) => this.reportHover(plot)],
      },
    };
  }

  /** Keep the visible range inside the video and at least half a second long. */
  within(low, high, duration) {
    if (low === null || !(high - low > 0)) return [0, duration];
    const start = Math.max(0, low);
    return [start, Math.min(duration, Math.max(high, start + Math.min(0.5, duration)))];
  }

  height() {
    return window.innerHeight < 700 ? 150 : 200;
  }

  resize(parent) {
    if (parent.clientWidth) this.plot.setSize({ width: parent.clientWidth, height: this.height() });
  }

  /** Shade annotated windows and events over the full height; mark events along the bottom. */
  drawSpans(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const span = (start, end, top, height) => {
      const left = plot.valToPos(start, "x", true);
      const right = plot.valToPos(end, "x", true);
      ctx.fillRect(left, top, Math.max(1, right - left), height);
    };
    ctx.fillStyle = c2fpl.colour("--window");
    this.video.windows.forEach(([start, end]) => span(start, end, bbox.top, bbox.height));
    ctx.fillStyle = c2fpl.colour("--event-fill");
    this.events.forEach((event) => span(event.startSeconds, event.endSeconds, bbox.top, bbox.height));
    ctx.fillStyle = c2fpl.colour("--event");
    const bar = 5 * devicePixelRatio;
    this.events.forEach((event) =>
      span(event.startSeconds, event.endSeconds, bbox.top + bbox.height - bar, bar));
    ctx.restore();
  }

  addCursor() {
    this.cursor = c2fpl.element("div", { className: "playhead" });
    this.over.append(this.cursor);
  }

  /** Add the threshold line, which the user can drag. */
  addThreshold() {
    this.line = c2fpl.element("div", { className: "threshold", tabIndex: 0, role: "slider" });
    this.line.setAttribute("aria-label", "Threshold");
    this.line.setAttribute("aria-valuemin", "0");
    this.line.setAttribute("aria-valuemax", "1");
    this.over.append(this.line);
    this.line.addEventListener("mousedown", (event) => event.stopPropagation());
    this.line.addEventListener("click", (event) => event.stopPropagation());
    this.line.addEventListener("pointerdown", (event) => {
      this.line.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    this.line.addEventListener("pointermove", (event) => {
      if (!this.line.hasPointerCapture(event.pointerId)) return;
      const top = event.clientY - this.over.getBoundingClientRect().top;
      this.handlers.threshold(this.plot.posToVal(top, "y"));
    });
  }

  /** Seek on a click that is not a drag. */
  addSeeking() {
    let pressedAt = null;
    this.over.addEventListener("mousedown", (event) => (pressedAt = event.clientX));
    this.over.addEventListener("click", (event) => {
      if (pressedAt !== null && Math.abs(event.clientX - pressedAt) > 4) return;
      const left = event.clientX - this.over.getBoundingClientRect().left;
      this.handlers.seek(this.plot.posToVal(left, "x"));
    });
  }

  /** Report the time under the mouse; null once it has left. */
  reportHover(plot) {
    const left = plot.cursor.left;
    this.handlers.hover(left === undefined || left < 0 ? null : plot.posToVal(left, "x"));
  }

  setThreshold(value, events) {
    this.threshold = value;
    this.events = events;
    this.line.setAttribute("aria-valuenow", value.toFixed(3));
    this.plot.redraw(false);
    this.place();
  }

  setTime(seconds) {
    this.time = seconds;
    this.place();
  }

  /** Move the cursor and the threshold line to their values. */
  place() {
    if (!this.line) return;
    const { min, max } = this.plot.scales.x;
    this.cursor.hidden = this.time < min || this.time > max;
    this.cursor.style.transform = `translateX(${this.plot.valToPos(this.time, "x")}px)`;
    if (this.threshold !== undefined)
      this.line.style.transform = `translateY(${this.plot.valToPos(this.threshold, "y")}px)`;
  }

  destroy() {
    this.observer.disconnect();
    this.plot.destroy();
  }
};
