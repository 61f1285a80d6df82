"""Length control by training: small models trained here, on text made here, against the lengths asked for.

    python -m bench.length_control [--steps 600] [--samples 64] [--kinds orpe none] [--out FOLDER]

Five ways to tell a model how long its response is to be (not at all, a length token, LDPE, ORPE, the progress
ratio), and ORPE as an upper bound. Each way trains the same model from the same random weights on the same
texts; then responses are sampled for lengths inside and outside the trained range. What comes out is a table
of the mean error in tokens, and a plot of it. Needs the tests' environment; some minutes on one core.
"""
