/* find_events of pipeline/report/events.py for a step curve, for thresholds moved on the page. */
"use strict";

/** Tolerance for rounding when comparing times in seconds. */
const SHORTEST = 1e-6;

/** The score below which an event ends; never above the threshold. */
c2fpl.lowerThreshold = function (run, threshold) {
  const background = Math.min(run.background, threshold);
  return background + run.hysteresis * (threshold - background);
};

/** Runs of steps above the lower threshold with at least one step above the threshold. */
c2fpl.highRuns = function (video, low, threshold) {
  const runs = [];
  let open = null;
  video.values.forEach((value, index) => {
    if (!(value > low)) {
      open = null;
      return;
    }
    if (open === null) runs.push((open = { start: video.starts[index], end: 0, peak: -1 }));
    open.end = index + 1 < video.starts.length ? video.starts[index + 1] : video.frames;
    open.peak = Math.max(open.peak, value);
  });
  return runs.filter((run) => run.peak > threshold);
};

/** Events {start, end, startSeconds, endSeconds, peak} of one video in chronological order; start
    and end are frames, end exclusive. */
c2fpl.findEvents = function (video, run, threshold) {
  const merged = [];
  for (const next of c2fpl.highRuns(video, c2fpl.lowerThreshold(run, threshold), threshold)) {
    const last = merged[merged.length - 1];
    next.startSeconds = c2fpl.startOf(video, next.start);
    next.endSeconds = c2fpl.endOf(video, next.end);
    if (last && next.startSeconds - last.endSeconds < run.mergeGap - SHORTEST) {
      last.end = next.end;
      last.endSeconds = next.endSeconds;
      last.peak = Math.max(last.peak, next.peak);
    } else {
      merged.push(next);
    }
  }
  const shortest = Math.min(run.minLength, video.duration) - SHORTEST;
  return merged.filter((event) => event.endSeconds - event.startSeconds >= shortest);
};

/** Index of the last of the ascending numbers that is at most a value; 0 if there is none. */
c2fpl.lastNotAbove = function (numbers, value) {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (numbers[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
};

/** The score of the step that contains a frame. */
c2fpl.scoreAt = function (video, frame) {
  return video.values[c2fpl.lastNotAbove(video.starts, frame)];
};

/** Time in seconds at which the step that starts at a frame begins. */
c2fpl.startOf = function (video, frame) {
  if (!video.uneven) return frame / video.rate;
  return video.uneven[0][c2fpl.lastNotAbove(video.starts, frame)];
};

/** Time in seconds at which the step that ends before a frame is over. */
c2fpl.endOf = function (video, frame) {
  if (!video.uneven) return frame / video.rate;
  return video.uneven[1][c2fpl.lastNotAbove(video.starts, frame - 1)];
};

/** The frame shown at a time. A variable frame rate is taken as constant within each step. */
c2fpl.frameAt = function (video, seconds) {
  const last = video.frames - 1;
  if (!video.uneven) return Math.min(last, Math.floor(seconds * video.rate + 1e-6));
  const [starts, ends] = video.uneven;
  const step = c2fpl.lastNotAbove(starts, seconds + 1e-6);
  const end = step + 1 < starts.length ? video.starts[step + 1] : video.frames;
  const count = end - video.starts[step];
  const share = Math.max(0, seconds + 1e-6 - starts[step]) / Math.max(ends[step] - starts[step], 1e-9);
  return video.starts[step] + Math.min(count - 1, Math.floor(share * count));
};
