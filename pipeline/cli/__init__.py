"""The command line.

- `app`: the application and the arguments that commands share
- `configuration`: the file of --config, one for several commands
- `main`: errors and exit codes
- `steps`, `watch`, `videos`, `results`, `events`, `benchmark`: the commands
- `ending`: what they share at their end
"""
