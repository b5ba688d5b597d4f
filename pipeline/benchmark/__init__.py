"""The paper's tables and figures on whole data sets.

- `plan`, `variants`: what is run
- `split`, `feature_parts`, `material`, `truth`: which videos, their features and annotations
- `labels`, `seeds`: training and scoring of every variant and seed
- `results`, `tables`, `figures`: results.json and what is drawn from it
- `benchmark`: all of it, resumable
"""
