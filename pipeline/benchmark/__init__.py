"""Reproduce the paper's tables and figures on the benchmark data sets.

- `plan`, `variants`: settings, files, and the rows of each table
- `split`, `feature_parts`, `benchmark_data`, `truth`: videos, features and annotations
- `labels`, `seeds`: labels, training and scores of each variant and seed
- `results`, `tables`, `figures`: results.json, results.md and plots
- `benchmark`: the resumable run of all of these
"""
