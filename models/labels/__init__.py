"""Features to pseudo-labels, without annotations.

- `summaries`: features of one video to the few numbers that describe it
- `coarse`: which videos are pseudo-anomalous
- `fine`: which segments of them are
- `change`, `two_states`, `refined`: the method `refined`, which needs no coarse split
"""
