"""The compiled core. `core.pyi` has its signatures; `core.pyx` and the headers beside it are the source."""
