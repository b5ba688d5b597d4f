"""The command line.

- `app`: the application and the arguments that its commands share
- `configuration`: the file given with --config
- `main`: entry point, logging, errors and exit codes
- `run`, `steps`, `watch`, `videos`, `results`, `events`, `benchmark`: the commands
- `plan`: what a command would do, and its time
"""
