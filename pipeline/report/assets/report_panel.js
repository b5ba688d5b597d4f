/* The panel of one video: player, score curve, and events at an adjustable threshold. */
"use strict";

c2fpl.Panel = class {
  /** navigate(index or null) changes the URL hash, which opens or closes the panel. */
  constructor(run, feedback, navigate) {
    this.run = run;
    this.feedback = feedback;
    this.navigate = navigate;
    this.threshold = run.threshold;
    this.video = null;
    this.curve = null;
    this.dialog = document.getElementById("panel");
    this.player = document.getElementById("player");
    this.listenToButtons();
    this.listenToPlayer();
    this.dialog.addEventListener("keydown", (event) => this.key(event), true);
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.navigate(null);
    });
  }

  listenToButtons() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("close-panel", () => this.navigate(null));
    on("previous-video", () => this.step(-1));
    on("next-video", () => this.step(1));
    on("reset-threshold", () => this.setThreshold(this.run.threshold));
  }

  listenToPlayer() {
    this.player.addEventListener("error", () => this.cannotPlay(), true);
    this.player.addEventListener("loadedmetadata", () => this.player.currentTime = this.time);
    for (const name of ["seeking", "timeupdate"])
      this.player.addEventListener(name, () => this.follow());
    const frame = () => {
      this.follow();
      if (!this.player.paused && !this.player.ended) requestAnimationFrame(frame);
    };
    this.player.addEventListener("play", () => requestAnimationFrame(frame));
  }

  /** Show a video at a time; `video` is the data passed to receiveVideo. */
  open(index, video, seconds, still) {
    this.index = index;
    this.still = still;
    if (this.video !== video) this.load(video);
    this.seek(seconds);
  }

  load(video) {
    this.close();
    this.dialog.showModal();
    this.dialog.focus();
    this.video = video;
    this.time = 0;
    document.getElementById("panel-name").textContent = video.name;
    document.getElementById("window-legend").hidden = !video.windows.length;
    this.loadPlayer(video);
    this.describe(video);
    this.curve = new c2fpl.Curve(document.getElementById("curve"), video, {
      seek: (time) => this.seek(time),
      threshold: (value) => this.setThreshold(value),
      hover: (time) => this.read(time),
    });
    this.setThreshold(this.threshold);
  }

  loadPlayer(video) {
    document.getElementById("player-note").hidden = true;
    this.player.hidden = false;
    this.player.poster = "";
    this.player.replaceChildren(
      ...video.sources.map((source) => c2fpl.element("source", { src: source })));
    this.player.load();
    if (!video.sources.length) this.cannotPlay();
  }

  /** Show a note once the last source has failed. */
  cannotPlay() {
    if (this.player.networkState !== HTMLMediaElement.NETWORK_NO_SOURCE
        && this.video.sources.length) return;
    const note = document.getElementById("player-note");
    note.textContent = this.video.sources.length
      ? "The browser cannot play this file: it was moved, or browsers do not support its format. "
        + "The curve works without it; c2fpl overlay and c2fpl clips write H.264 copies."
      : "The path of the video was not recorded; the curve works without it.";
    note.hidden = false;
    if (this.still) this.player.poster = this.still;
  }

  describe(video) {
    const facts = `${c2fpl.count(video.frames, "frame", "frames")} at ${video.uneven ? "about " : ""}${+video.rate.toFixed(3)} per second`
      + (video.lost ? `, ${video.lost} lost in decoding` : "") + "."
      + (video.damage ? ` The file is damaged (${video.damage}): more frames may be missing.` : "")
      + (video.timing ? ` Times may be wrong: ${video.timing}.` : "");
    document.getElementById("panel-facts").textContent = facts;
    const links = { "video file": video.sources[0], "scores (.npy)": video.scores, plot: video.plot };
    document.getElementById("panel-links").replaceChildren(...Object.entries(links)
      .filter(([, href]) => href)
      .flatMap(([text, href]) => [c2fpl.element("a", { href }, text), " "]));
  }

  close() {
    if (this.curve) this.curve.destroy();
    this.curve = this.video = null;
    this.player.pause();
    this.player.replaceChildren();
    this.player.removeAttribute("src");
    if (this.dialog.open) this.dialog.close();
  }

  get duration() {
    return this.video.duration;
  }

  seek(seconds) {
    this.time = Math.min(Math.max(seconds, 0), this.duration);
    if (this.player.readyState > 0) this.player.currentTime = this.time;
    this.show();
  }

  /** Follow the time of the player. */
  follow() {
    if (!this.video || this.player.readyState === 0) return;
    this.time = this.player.currentTime;
    this.show();
  }

  show() {
    this.curve.setTime(this.time);
    this.read(null);
    this.markCurrent();
  }

  /** Show time and score under the mouse, or at the current frame. */
  read(hovered) {
    const time = hovered === null ? this.time : hovered;
    const frame = c2fpl.frameAt(this.video, time);
    const score = c2fpl.scoreAt(this.video, frame);
    document.getElementById("readout").textContent =
      `${c2fpl.clock(time, 2)}  frame ${frame}  score ${c2fpl.score(score)}`;
  }

  setThreshold(value) {
    this.threshold = Math.min(Math.max(value, 0), 1);
    this.events = c2fpl.findEvents(this.video, this.run, this.threshold);
    this.curve.setThreshold(this.threshold, this.events);
    const moved = this.threshold !== this.run.threshold;
    document.getElementById("threshold-value").textContent = c2fpl.score(this.threshold);
    document.getElementById("reset-threshold").hidden = !moved;
    this.listEvents(moved);
  }

  listEvents(moved) {
    const count = c2fpl.count(this.events.length, "event", "events");
    document.getElementById("panel-events-count").textContent =
      count + (moved ? ` with --threshold ${this.threshold.toFixed(3)}` : "");
    document.getElementById("panel-events").replaceChildren(...this.events.map((event) => {
      const times = `${c2fpl.clock(event.startSeconds, 1)} \u2013 ${c2fpl.clock(event.endSeconds, 1)}`;
      const button = c2fpl.element("button", { type: "button" }, times, " ",
        c2fpl.element("b", {}, c2fpl.score(event.peak)));
      button.addEventListener("click", () => this.seek(event.startSeconds));
      const answers = moved ? null : this.feedback.buttonsOf(this.video.name, event.start, event.end);
      return c2fpl.element("li", {}, button, answers);
    }));
    this.markCurrent();
  }

  markCurrent() {
    const items = document.getElementById("panel-events").children;
    this.events.forEach((event, index) =>
      items[index].classList.toggle("is-current", this.time >= event.startSeconds && this.time < event.endSeconds));
  }

  step(distance) {
    const next = this.index + distance;
    if (next >= 0 && next < this.run.videos) this.navigate(next);
  }

  /** Go to the start of the next (1) or previous (-1) event. */
  jump(direction) {
    const starts = this.events.map((event) => event.startSeconds);
    const ahead = direction > 0
      ? starts.find((start) => start > this.time + 0.05)
      : starts.reverse().find((start) => start < this.time - 0.5);
    if (ahead !== undefined) this.seek(ahead);
  }

  play() {
    if (this.player.paused) this.player.play().catch(() => this.cannotPlay());
    else this.player.pause();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    const second = event.shiftKey ? 10 : 1;
    const act = {
      " ": () => this.play(),
      ArrowLeft: () => this.seek(this.time - second),
      ArrowRight: () => this.seek(this.time + second),
      ArrowUp: () => this.setThreshold(this.threshold + 0.01),
      ArrowDown: () => this.setThreshold(this.threshold - 0.01),
      ",": () => this.seek(this.time - 1 / this.video.rate),
      ".": () => this.seek(this.time + 1 / this.video.rate),
      n: () => this.jump(1),
      p: () => this.jump(-1),
      PageUp: () => this.step(-1),
      PageDown: () => this.step(1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
};
