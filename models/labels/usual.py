"""Two criteria that decide what counts as usual. Neither reads annotations.

- `scenes_differ`: is the usual state of a video its own, or that of all videos (one scene, or
  features with the same meaning in every scene)?
- `ends_are_stiller`: do videos change less at both ends than in the middle, as clips that were cut
  around an event do?
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

Array = NDArray[np.float64]

_HALVINGS = 4
_FEWEST_VIDEOS = 8
_MOSTLY_SCENE = 2 / 3
_RIDGE = 1.0  # relative to a kernel with mean diagonal 1
_END_SHARE = 6  # each end is a sixth of the video
_FEWEST_STEPS = 5
_CLEAR = 3.0  # standard errors


def scenes_differ(rows: Sequence[NDArray[np.float32]], changes: Sequence[Array]) -> bool:
    """Whether features mostly describe the scene, and removing it keeps the action.

    Both must hold: features vary more than twice as much between videos as within them, and
    |f - median of the video| predicts change at least as well as f in one of eight trials. In each
    trial, a ridge regression learns the ranks of change in half of the videos and is judged by rank
    correlation in the other half (four halvings, both ways). Fewer than 8 videos count as one
    scene.

    Args:
        rows: (n, dim) sampled segments per video, in an order that only depends on the content.
        changes: (n,) change of these segments per video.
    """
    if len(rows) < _FEWEST_VIDEOS or scene_share(rows) <= _MOSTLY_SCENE:
        return False
    target = np.concatenate(list(changes))
    video = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    absolute = _kernel(np.concatenate(list(rows)))
    relative = _kernel(np.concatenate([np.abs(one - np.median(one, axis=0)) for one in rows]))
    for seed in range(_HALVINGS):
        half = np.random.default_rng(seed).permutation(len(rows)) < len(rows) // 2
        for learned in (half[video], ~half[video]):
            if _agreement(relative, target, learned) >= _agreement(absolute, target, learned):
                return True
    return False


def scene_share(rows: Sequence[NDArray[np.float32]]) -> float:
    """Fraction of the variance of the features that is between videos, in [0, 1].

    `rows` holds float32 (segments, dim) per video.
    """
    values = [one.astype(np.float64) for one in rows]
    means = np.stack([one.mean(axis=0) for one in values])
    counts = np.array([len(one) for one in values])
    free = max(int((counts - 1).sum()), 1)
    within = sum(float(((one - one.mean(axis=0)) ** 2).sum()) for one in values) / free
    of_means = float(means.var(axis=0, ddof=1).sum()) - within * float((1 / counts).mean())
    between = max(of_means, 0.0)
    return between / (between + within) if between + within else 0.0


def ends_are_stiller(steps: Sequence[Array]) -> bool:
    """Whether the middle of videos changes more than their ends, by three standard errors.

    Args:
        steps: (segments - 1,) distances between neighbours per video.
    """
    long = [one for one in steps if len(one) >= _FEWEST_STEPS]
    if len(long) < _FEWEST_VIDEOS:
        return False
    every = np.concatenate(long)
    scores = ndtri((rankdata(every) - 0.5) / len(every))
    gains = np.sort(
        [_middle_over_ends(one) for one in np.split(scores, np.cumsum([*map(len, long)])[:-1])]
    )
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return bool(gains.mean() > _CLEAR * error)


def _middle_over_ends(scores: Array) -> float:
    count = max(1, len(scores) // _END_SHARE)
    ends = np.concatenate((scores[:count], scores[-count:]))
    return float(scores[count:-count].mean() - ends.mean())


def _kernel(rows: NDArray[np.float32]) -> Array:
    """(n, n) products of rows with standardised columns, divided by the number of columns."""
    values = rows.astype(np.float64)
    values -= values.mean(axis=0)
    spread = values.std(axis=0)
    values /= np.where(spread > 0, spread, 1)
    kernel: Array = values @ values.T / values.shape[1]
    return kernel


def _agreement(kernel: Array, target: Array, learned: NDArray[np.bool_]) -> float:
    """Rank correlation of a ridge regression with the target on the rows not learned.

    `kernel` is (rows, rows), the others are (rows,).
    """
    ranks = rankdata(target[learned]) / np.count_nonzero(learned)
    inside = kernel[np.ix_(learned, learned)] + _RIDGE * np.eye(len(ranks))
    predicted = kernel[np.ix_(~learned, learned)] @ np.linalg.solve(inside, ranks - ranks.mean())
    return float(np.corrcoef(rankdata(predicted), rankdata(target[~learned]))[0, 1])
