"""Features to pseudo-labels, without annotations.

- `summaries`: features of one video to the few numbers that describe it
- `coarse`: which videos are pseudo-anomalous
- `fine`: which segments of them are
- `change`, `usual`, `evidence`, `two_states`, `refined`: the method `refined`, no coarse split
- `joined`: evidence and a detector's scores as one score
"""
