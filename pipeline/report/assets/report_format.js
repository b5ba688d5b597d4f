/* Formatting of times, scores and elements. Video names are only ever inserted as text nodes. */
"use strict";
window.c2fpl = {};

/** Create an element with properties and children; strings become text, never markup. */
c2fpl.element = function (tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties || {});
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

/** Seconds as 0:07, 1:15 or 1:01:15, with the given number of decimals. */
c2fpl.clock = function (seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const total = Math.round(seconds * unit) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = (total % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

/** A duration as 45 s, 12 min or 3.4 h. */
c2fpl.duration = function (seconds) {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(seconds < 360000 ? 1 : 0)} h`;
};

c2fpl.score = (value) => value.toFixed(3);

c2fpl.count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** Whether a name contains the typed text, ignoring case. */
c2fpl.matches = (name, typed) => name.toLowerCase().includes(typed.trim().toLowerCase());

/** A colour of report.css in the current theme, in a form that a canvas accepts. */
c2fpl.colour = function (name) {
  const probe = document.getElementById("colour-probe");
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
};
