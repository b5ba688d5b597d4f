"""The command line.

- `app`: the application and the arguments that commands share
- `main`: configuration file, errors and exit codes
- `steps`, `videos`, `results`, `events`, `benchmark`: the commands
- `commands`: what the commands do
"""
