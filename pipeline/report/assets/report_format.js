/* How times, scores and elements are written. Names of videos only ever become text nodes. */
"use strict";
window.c2fpl = {};

/** An element with properties and children; a string child is text, never markup. */
c2fpl.element = function (tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties || {});
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

/** Seconds as 0:07, 1:15 or 1:01:15, with as many decimals as asked for. */
c2fpl.clock = function (seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const total = Math.round(seconds * unit) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = (total % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

/** A length of footage or of work in words: 45 s, 12 min, 3.4 h. */
c2fpl.duration = function (seconds) {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(seconds < 360000 ? 1 : 0)} h`;
};

c2fpl.score = (value) => value.toFixed(3);

c2fpl.count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** Whether a name holds what was typed, in any case. */
c2fpl.matches = (name, typed) => name.toLowerCase().includes(typed.trim().toLowerCase());

/** A colour of report.css as a canvas understands it: by the theme that is shown. */
c2fpl.colour = function (name) {
  const probe = document.getElementById("colour-probe");
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
};
