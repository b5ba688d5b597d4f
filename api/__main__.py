"""`python -m c2fpl` is the command `c2fpl`."""

from c2fpl.pipeline.cli.main import main

main()
