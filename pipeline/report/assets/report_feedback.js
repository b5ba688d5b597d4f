/* Answers to events, confirmed or dismissed, and their download as feedback.csv. */
"use strict";

const ANSWERS = { yes: ["\u2713", "Confirm"], no: ["\u2717", "Dismiss"] };

/** Answers by event name, remembered by the browser for the page at this address. */
c2fpl.Feedback = class {
  constructor(events) {
    this.events = events;
    this.place = `c2fpl feedback ${location.pathname}`;
    this.answers = this.remembered();
    this.count = document.getElementById("feedback-count");
    this.save = document.getElementById("save-feedback");
    this.clear = document.getElementById("clear-feedback");
    this.save.addEventListener("click", () => this.download());
    this.clear.addEventListener("click", () => {
      this.answers.clear();
      this.changed();
    });
    document.getElementById("feedback").hidden = !events.length;
    this.show();
  }

  /** Buttons of one event. Pressing the pressed one withdraws the answer. */
  buttons(event) {
    const label = `Feedback on event ${event.rank}`;
    const group = c2fpl.element("div", { className: "answers", role: "group", ariaLabel: label },
      ...Object.entries(ANSWERS).map(([answer, [sign, text]]) => {
        const button = c2fpl.element("button", { type: "button", value: answer }, `${sign} ${text}`);
        button.addEventListener("click", () => this.toggle(event.id, answer));
        return button;
      }));
    group.dataset.event = event.id;
    this.mark(group);
    return group;
  }

  /** Buttons of an event of one video, by its frames; null if the page does not list it. */
  buttonsOf(name, start, end) {
    const event = this.events.find(({ id }) => id === c2fpl.eventName(name, start, end));
    return event ? this.buttons(event) : null;
  }

  toggle(id, answer) {
    if (this.answers.get(id) === answer) this.answers.delete(id);
    else this.answers.set(id, answer);
    this.changed();
  }

  mark(group) {
    const answer = this.answers.get(group.dataset.event);
    for (const button of group.children) button.ariaPressed = `${button.value === answer}`;
  }

  changed() {
    try {
      localStorage.setItem(this.place, JSON.stringify([...this.answers]));
    } catch { /* not allowed for pages on disk: the answers last until the page is closed */ }
    document.querySelectorAll(".answers").forEach((group) => this.mark(group));
    this.show();
  }

  /** Earlier answers to the events that are listed now. */
  remembered() {
    try {
      const listed = new Set(this.events.map((event) => event.id));
      const kept = JSON.parse(localStorage.getItem(this.place)) || [];
      return new Map(kept.filter(([id, answer]) => listed.has(id) && answer in ANSWERS));
    } catch {
      return new Map();
    }
  }

  show() {
    const answers = [...this.answers.values()];
    const confirmed = answers.filter((answer) => answer === "yes").length;
    this.count.textContent = answers.length
      ? `${confirmed} confirmed, ${answers.length - confirmed} dismissed` : "No event answered yet";
    this.save.disabled = this.clear.disabled = !answers.length;
  }

  /** Rows in the order of the ranking, quoted as in RFC 4180. */
  table() {
    const answered = this.events.filter((event) => this.answers.has(event.id));
    const rows = answered.map(({ id }) => `"${id.replaceAll('"', '""')}",${this.answers.get(id)}\n`);
    return ["event,keep\n", ...rows].join("");
  }

  download() {
    const address = URL.createObjectURL(new Blob(c2fpl.bytesOf(this.table()), { type: "text/csv" }));
    c2fpl.element("a", { href: address, download: "feedback.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }
};

/** Parts of a blob. A lone surrogate is a byte of a name that is not UTF-8 (PEP 383). */
c2fpl.bytesOf = (text) => Array.from(text, (letter) =>
  (/^[\udc80-\udcff]$/.test(letter) ? Uint8Array.of(letter.charCodeAt(0) & 255) : letter));
