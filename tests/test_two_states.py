"""The chain of two states: against a plain sum over all paths, and from drawn data."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from c2fpl.models.labels import two_states
from c2fpl.models.labels.two_states import TwoStates, fit, higher_state

CHAIN = TwoStates(np.array([-1.0, 1.5]), 0.8, np.array([0.7, 0.3]), 0.2)


def plain_posterior(z: Any, chain: Any) -> Any:
    """Every path of states, with its probability."""
    higher, total = np.zeros(len(z)), 0.0
    for path in itertools.product((0, 1), repeat=len(z)):
        probability = chain.shares[path[0]]
        for before, after in itertools.pairwise(path):
            stays = (1 - chain.renewal) * (before == after)
            probability *= stays + chain.renewal * chain.shares[after]
        for value, state in zip(z, path, strict=True):
            probability *= math.exp(-0.5 * ((value - chain.means[state]) / chain.deviation) ** 2)
        total += probability
        higher += probability * np.array(path)
    return higher / total


def drawn(chain: Any, lengths: Any, seed: Any = 0) -> Any:
    rng = np.random.default_rng(seed)
    videos, states = [], []
    for length in lengths:
        state = np.empty(length, int)
        for t in range(length):
            new = t == 0 or rng.random() < chain.renewal
            state[t] = rng.random() < chain.shares[1] if new else state[t - 1]
        videos.append(chain.means[state] + chain.deviation * rng.normal(size=length))
        states.append(state)
    return videos, states


def test_the_posterior_is_the_sum_over_all_paths() -> None:
    videos, _ = drawn(CHAIN, [7, 1, 4])
    for found, video in zip(higher_state(videos, CHAIN), videos, strict=True):
        np.testing.assert_allclose(found, plain_posterior(video, CHAIN), atol=1e-12)


def test_a_fit_finds_the_chain_that_made_the_data() -> None:
    videos, _ = drawn(CHAIN, [40] * 150)
    chain = fit(videos)
    np.testing.assert_allclose(chain.means, CHAIN.means, atol=0.1)
    np.testing.assert_allclose(chain.shares, CHAIN.shares, atol=0.05)
    assert chain.deviation == pytest.approx(CHAIN.deviation, abs=0.03)
    assert chain.renewal == pytest.approx(CHAIN.renewal, abs=0.03)


def test_a_fit_is_a_maximum_of_the_likelihood() -> None:
    videos, _ = drawn(CHAIN, [30] * 20, seed=1)
    chain = fit(videos)
    pieces = two_states._Pieces(videos)
    best = two_states._smoothed(pieces, chain).log_likelihood
    for renewal, share in itertools.product((0.9, 1.1), (0.95, 1.05)):
        shares = np.array([1 - share * chain.shares[1], share * chain.shares[1]])
        other = TwoStates(chain.means, chain.deviation, shares, renewal * chain.renewal)
        assert two_states._smoothed(pieces, other).log_likelihood < best


def test_the_second_state_is_always_the_higher() -> None:
    videos, states = drawn(CHAIN, [50] * 10, seed=2)
    flipped = fit([-video for video in videos])
    assert flipped.means[0] < flipped.means[1]
    posterior = np.concatenate(higher_state([-video for video in videos], flipped))
    assert posterior[np.concatenate(states) == 0].mean() > 0.8


def test_long_videos_are_cut_and_joined_again() -> None:
    videos, states = drawn(CHAIN, [3 * two_states.PIECE_SEGMENTS + 5, 2], seed=3)
    found = higher_state(videos, fit(videos))
    assert [len(video) for video in found] == [len(video) for video in videos]
    assert np.mean((found[0] > 0.5) == states[0]) > 0.9


def test_a_fit_survives_values_that_are_two_numbers_only() -> None:
    chain = fit([np.array([0.0, 0, 0, 1]), np.array([1.0, 0, 0])])
    assert np.isfinite(chain.means).all()
    assert chain.deviation > 0
