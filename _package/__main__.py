"""The command `tokentrellis`, which is also `python -m tokentrellis`.

What the command needs is imported here, so that an interruption during the imports ends like any other.
"""

INTERRUPTED = 130


def main() -> None:
    """The entry point."""
    try:
        from .command_line import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
