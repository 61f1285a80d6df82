"""`python -m bench.maskbench` is `tokentrellis bench masks`."""

from tokentrellis.benchmark.maskbench.__main__ import application

if __name__ == "__main__":
    application(prog_name="python -m bench.maskbench")
