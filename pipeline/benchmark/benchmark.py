"""Run `c2fpl benchmark`: the paper's tables and figures for a data set, with error bars."""

import logging
from collections.abc import Sequence

from c2fpl.pipeline.benchmark.benchmark_data import BenchmarkData, open_benchmark_data
from c2fpl.pipeline.benchmark.labels import BenchmarkLabels
from c2fpl.pipeline.benchmark.plan import BenchmarkFiles, BenchmarkPlan
from c2fpl.pipeline.benchmark.results import SeedResults, results_of
from c2fpl.pipeline.benchmark.seeds import SeedRunner
from c2fpl.pipeline.benchmark.tables import markdown_of
from c2fpl.pipeline.benchmark.truth import TestSegments, make_test_segments
from c2fpl.pipeline.benchmark.variants import Variant, variants_of
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.outcomes import exit_code
from c2fpl.pipeline.files.run_files import save_json
from c2fpl.pipeline.steps.run_record import recorded

logger = logging.getLogger(__name__)


def benchmark(plan: BenchmarkPlan, files: BenchmarkFiles) -> int:
    """Run a plan, keeping all finished and unchanged work down to single seeds.

    results.json and results.md are rewritten after every variant; the figures are drawn last.

    Returns:
        Exit code: 0, or 1 if videos could not be decoded (the results leave them out).

    Raises:
        BadSettings: the plan does not fit the data; the steps raise their own errors.
    """
    with only_writer(files.run), recorded(files.run, "benchmark", vars(plan)) as record:
        with record.stage("features"):
            data = open_benchmark_data(plan, files)
        record.failures += data.failures
        truth = make_test_segments(plan, data)
        notes = [*data.notes, *truth.notes]
        for note in notes:
            logger.warning("%s", note)
        record.fact("notes", notes)
        runner = SeedRunner(plan, files, data, BenchmarkLabels(plan, files, data.train), truth)
        with record.stage("seeds"):
            done = _all_seeds(plan, files, runner)
        with record.stage("figures"):
            _figures(plan, files, runner, done)
    logger.info("results in %s", files.report)
    return exit_code(record.failures)


def _all_seeds(
    plan: BenchmarkPlan, files: BenchmarkFiles, runner: SeedRunner
) -> list[tuple[Variant, SeedResults]]:
    done: list[tuple[Variant, SeedResults]] = []
    for variant in variants_of(plan):
        results = []
        for seed in variant.seeds(plan.seed_numbers):
            results.append(runner.run(variant, seed))
            logger.info("%s, seed %d: AUC %s", variant.key, seed, _shown(results[-1]["auc"]))
        done.append((variant, results))
        _save(plan, files, runner.data, runner.truth, done)
    return done


def _save(
    plan: BenchmarkPlan,
    files: BenchmarkFiles,
    data: BenchmarkData,
    truth: TestSegments,
    done: Sequence[tuple[Variant, SeedResults]],
) -> None:
    results = results_of(plan, data, truth, done)
    save_json(files.results, results)
    with whole_file(files.report) as file:
        file.write(markdown_of(results).encode())


def _figures(
    plan: BenchmarkPlan,
    files: BenchmarkFiles,
    runner: SeedRunner,
    done: Sequence[tuple[Variant, SeedResults]],
) -> None:
    from c2fpl.pipeline.benchmark.figures import draw_convergence, draw_qualitative

    draw_convergence(files.convergence, done)
    first, seeds = done[0]
    seed = seeds[0]["seed"]
    title = f"{first.title} ({first.method}), seed {seed}"
    draw_qualitative(files.qualitative, runner.truth, runner.last_scores(first, seed), title)


def _shown(auc: float | None) -> str:
    return "undefined" if auc is None else f"{auc:.4f}"
