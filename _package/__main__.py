"""`python -m tokentrellis` is the command `tokentrellis`."""

from .command_line import main

main()
