"""Pseudo-labels for the variants of a benchmark; human labels are never used."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.settings import LabelSettings, Norm
from c2fpl.pipeline.benchmark.plan import BenchmarkFiles, BenchmarkPlan
from c2fpl.pipeline.benchmark.variants import Variant
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import fingerprint, load_json, load_table, save_array, save_json
from c2fpl.pipeline.steps.update_labels import SegmentLabels, update_labels


class BenchmarkLabels:
    """Labels by variant and seed; coarse and fine labels are computed once per method."""

    def __init__(self, plan: BenchmarkPlan, files: BenchmarkFiles, train: FeatureSet) -> None:
        self._plan, self._files, self._train = plan, files, train
        self._full: dict[str, SegmentLabels] = {}

    def of(self, variant: Variant, seed: int) -> SegmentLabels:
        """Segment labels to train the detector of this variant and seed."""
        full = self._full_of(variant)
        if variant.labels == "full":
            return full
        if variant.labels == "whole-videos":
            values = tuple(
                np.full(len(labels), anomalous, np.float32)
                for labels, anomalous in zip(full.values, self.coarse(variant), strict=True)
            )
            return self._changed(full, values, "whole-videos", 0)
        return self._random(variant, full, seed)

    def coarse(self, variant: Variant) -> NDArray[np.bool_]:
        """Coarse video labels, (training videos,), True for anomalous."""
        full = self._full_of(variant)
        rows = load_table(self._files.labels(variant.method).video_labels)
        by_name = {row["video"]: row["coarse"] == "1" for row in rows}
        return np.array([by_name[name] for name in full.names])

    def p_value_scores(self, variant: Variant, test: FeatureSet) -> dict[str, NDArray[np.float32]]:
        """1 - p of each test segment, (segments,) in [0, 1], by name in the feature set.

        p is the density of the null model divided by its peak, which keeps the order of the density
        and therefore AUC and AP. The null model is fitted to the normal training segments.
        """
        from c2fpl.models.labels import fine

        settings = self._settings(variant)
        norms = self._norms("train", self._train, settings)
        null = fine.label_windows(norms, self.coarse(variant), settings)
        scores = []
        for values in self._norms("test", test, settings):
            apart = values.astype(np.float64) - null.null_mean
            with np.errstate(divide="ignore", invalid="ignore"):
                p = np.where(apart == 0, 1.0, np.exp(-((apart / null.null_std) ** 2) / 2))
            scores.append((1 - p).astype(np.float32))
        return dict(zip(test.names, scores, strict=True))

    def fingerprint(self, variant: Variant) -> str:
        """Of the coarse and fine labels."""
        return self._full_of(variant).fingerprint

    def _full_of(self, variant: Variant) -> SegmentLabels:
        if variant.method not in self._full:
            files = self._files.labels(variant.method)
            self._full[variant.method] = update_labels(
                files, self._train, self._settings(variant), self._plan.execution
            )
        return self._full[variant.method]

    def _random(self, variant: Variant, full: SegmentLabels, seed: int) -> SegmentLabels:
        """Fine labels for random anomalous videos, as many as the method found."""
        from c2fpl.models.labels import fine

        found = self.coarse(variant)
        drawn = np.zeros(len(found), bool)
        chosen = np.random.default_rng(seed).choice(len(found), int(found.sum()), replace=False)
        drawn[chosen] = True
        settings = self._settings(variant)
        labels = fine.label_windows(self._norms("train", self._train, settings), drawn, settings)
        values = tuple(video.astype(np.float32) for video in labels.labels)
        return self._changed(full, values, "random-videos", seed)

    def _changed(
        self, full: SegmentLabels, values: tuple[NDArray[np.float32], ...], kind: str, seed: int
    ) -> SegmentLabels:
        """Labels with other `values`, float32 (segments,) per video, and their own fingerprint."""
        made_by = fingerprint({"labels": full.fingerprint, "kind": kind, "seed": seed})
        return SegmentLabels(full.names, values, made_by, full.evidence)

    def _settings(self, variant: Variant) -> LabelSettings:
        return replace(self._plan.labels, method=variant.method).resolved()

    def _norms(
        self, part: str, features: FeatureSet, settings: LabelSettings
    ) -> list[NDArray[np.float32]]:
        """Norms of each video's segments, (segments,), cached after one pass over the features."""
        assert settings.norm is not None
        path = self._files.norms(part, settings.norm)
        record, wanted = path.with_suffix(".json"), features.fingerprint()
        counts = [features.segment_count(name) for name in features.names]
        if not (record.exists() and load_json(record).get("fingerprint") == wanted):
            record.unlink(missing_ok=True)
            save_array(path, np.concatenate(self._measured(features, settings.norm)))
            save_json(record, {"fingerprint": wanted})
        return _split(np.load(path, allow_pickle=False), counts)

    def _measured(self, features: FeatureSet, norm: Norm) -> list[NDArray[np.float32]]:
        """Norms of each video, float32 (segments,), from one pass over the features."""
        from c2fpl.models.labels.summaries import segment_norms

        norms = []
        quiet = self._plan.execution.quiet
        with progress("norms", len(features.names), "videos", quiet=quiet) as shown:
            for name in features.names:
                chunks = [segment_norms(chunk, norm) for chunk in features.chunks(name)]
                norms.append(np.concatenate(chunks))
                shown.advance()
        return norms


def _split(values: NDArray[np.float32], counts: Sequence[int]) -> list[NDArray[np.float32]]:
    """Values of all videos, float32 (segments of all,), as (segments,) per video."""
    return np.split(values, np.cumsum(counts)[:-1])
