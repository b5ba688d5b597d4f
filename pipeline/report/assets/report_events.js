/* The rule of pipeline/report/events.py on a curve of steps, so that the page can follow its threshold. */
"use strict";

/** The score at which a begun event ends; never above the threshold. */
c2fpl.lowerThreshold = function (run, threshold) {
  const background = Math.min(run.background, threshold);
  return background + run.hysteresis * (threshold - background);
};

/** Stretches of steps above the lower threshold that somewhere pass the threshold. */
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

/** Events {start, end, peak} of one video in order of time; frames, end exclusive. */
c2fpl.findEvents = function (video, run, threshold) {
  const merged = [];
  for (const next of c2fpl.highRuns(video, c2fpl.lowerThreshold(run, threshold), threshold)) {
    const last = merged[merged.length - 1];
    if (last && next.start - last.end < run.mergeGap * video.rate) {
      last.end = next.end;
      last.peak = Math.max(last.peak, next.peak);
    } else {
      merged.push(next);
    }
  }
  const shortest = Math.min(run.minLength * video.rate, video.frames);
  return merged.filter((event) => event.end - event.start >= shortest);
};

/** The score of the step that a frame lies in. */
c2fpl.scoreAt = function (video, frame) {
  let low = 0;
  let high = video.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (video.starts[middle] <= frame) low = middle;
    else high = middle - 1;
  }
  return video.values[low];
};
