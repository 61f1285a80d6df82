"""Ray: rows with texts in, the same rows with what was generated out, by workers on a cluster.

`generate_rows` is the recipe for Ray Data: a pool of actors, each with the model loaded and the grammar
compiled once, behind `map_batches`. A grammar travels by its source and options; the vocabulary, which is
larger, is put into Ray's object store once, so each node gets it once, whatever the number of its workers. A
worker that dies is started again by Ray and its rows are written anew, by the same seeds; a row comes out
once, since only the caller's side of the pipeline takes results. `write_lines` is `tokentrellis run --ray`:
results are taken in the order of the lines and appended to the file at once, so that a run whose driver was
killed is taken up where its file ends.

Nothing here is imported without Ray (`pip install 'tokentrellis[ray]'`).
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from .grammars.errors import ConstraintError
from .lines import report_of, write_line
from .sources import parse_json, write_json
from .writer import WriterSettings, make_writer

if TYPE_CHECKING:
    from .decoding.vocabulary import Vocabulary

OUTPUT, REPORT, ERROR = "output", "report", "error"


def check_ray() -> None:
    """Raise ConstraintError unless Ray Data can be imported."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise ConstraintError(
            "--ray needs Ray with its data library", advice="pip install 'tokentrellis[ray]'"
        )


class RowWriter:
    """An actor for `Dataset.map_batches(RowWriter, fn_constructor_kwargs={"settings": ...})`.

    settings: pickles by the source of its grammar. vocabulary: a `Vocabulary`, or Ray's reference to one.
    number: the column that tells rows apart and, with a seed, where they draw from; None: there is none.
    """

    def __init__(
        self, settings: WriterSettings, vocabulary: Any = None, number: str | None = "number"
    ) -> None:
        import ray

        known: Vocabulary | None = (
            ray.get(vocabulary) if isinstance(vocabulary, ray.ObjectRef) else vocabulary
        )
        self._settings = settings
        self._number = number
        self._write = make_writer(settings, known)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch with the columns `output` and `report` (JSON texts) and `error` (empty if there is none).

        batch: column -> values; it needs `text`.
        """
        texts = [str(text) for text in batch["text"]]
        numbers = [0] * len(texts) if self._number is None else [int(n) for n in batch[self._number]]
        columns: dict[str, list[str]] = {OUTPUT: [], REPORT: [], ERROR: []}
        for result in self._results(texts, numbers):
            is_error = isinstance(result, ConstraintError)
            columns[OUTPUT].append("" if is_error else write_json(result.value))
            columns[REPORT].append("" if is_error else write_json(report_of(result)))
            columns[ERROR].append(str(result) if is_error else "")
        return {**batch, **columns}

    def _results(self, texts: list[str], numbers: list[int]) -> list[Any]:
        """A result, or what was wrong, for each text: one bad text must not cost its neighbours."""
        try:
            if self._settings.is_by_batches:
                return self._write(texts, 0)
            return [self._write([text], n)[0] for text, n in zip(texts, numbers, strict=True)]
        except ConstraintError as error:
            if len(texts) == 1:
                return [error]
        return [self._results([text], [n])[0] for text, n in zip(texts, numbers, strict=True)]


def generate_rows(
    dataset: Any,
    settings: WriterSettings,
    *,
    vocabulary: Vocabulary | None = None,
    workers: int = 2,
    batch_size: int = 8,
    gpus_per_worker: float = 0,
    number: str | None = None,
    worker: type[RowWriter] | None = None,
) -> Any:
    """A Ray dataset with the columns `output`, `report` and `error` beside those of `dataset`; it is lazy.

    dataset: of Ray Data, with a column `text`.
    settings: what to write; `WriterSettings(grammar, described=schema)` for the embedded model.
    vocabulary: of the model's tokenizer: spares each worker the reading of it.
    workers: actors, each with the model. batch_size: rows that share the steps of a model, where they can.
    number: a column of integers; with a seed, row n draws from seed + n.
    worker: a subclass of `RowWriter`, for a pool that writes in another way.
    """
    check_ray()
    import ray

    return dataset.map_batches(
        worker or RowWriter,
        fn_constructor_kwargs={
            "settings": settings,
            "vocabulary": None if vocabulary is None else ray.put(vocabulary),
            "number": number,
        },
        batch_size=batch_size,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_gpus=gpus_per_worker or None,
    )


def write_lines(
    settings: WriterSettings,
    records: list[dict[str, Any]],
    n_finished: int,
    sink: TextIO,
    has_reports: bool,
    *,
    workers: int,
    batch_size: int,
    gpus_per_worker: float = 0,
    address: str | None = None,
    worker: type[RowWriter] | None = None,
) -> Iterator[int]:
    """Generate for the records from `n_finished` on, by workers of Ray; gives the number of each line.

    Raises:
        ConstraintError: Ray is not there or cannot be reached, or a text cannot be written for.
    """
    check_ray()
    import ray

    connect(address)
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it would talk into the progress bar
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    rest = [
        {"number": number, "text": record["text"]}
        for number, record in enumerate(records[n_finished:], n_finished)
    ]
    # A block is what a worker gets at a time, and what is written anew if it dies.
    dataset = ray.data.from_items(rest, override_num_blocks=-(-len(rest) // batch_size))
    rows = generate_rows(
        dataset,
        settings,
        vocabulary=_read_vocabulary(settings),
        workers=workers,
        batch_size=batch_size,
        gpus_per_worker=gpus_per_worker,
        number="number",
        worker=worker,
    )
    for expected, row in enumerate(rows.iter_rows(), n_finished):
        if row["number"] != expected:
            raise ConstraintError("Ray gave the rows in another order than they went in", got=row["number"])
        if row[ERROR]:
            raise ConstraintError(f"text {expected + 1}: {row[ERROR]}")
        report = parse_json(row[REPORT], "report") if has_reports else None
        write_line(sink, records[expected], parse_json(row[OUTPUT], "output"), report)
        yield expected


def connect(address: str | None) -> None:
    """Join the cluster at an address, or the one that the environment names; else start one here."""
    import ray

    if ray.is_initialized():
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConstraintError(
            f"Ray cannot be reached ({error})", got=address, advice="look at `ray status` for the cluster"
        ) from error


def _read_vocabulary(settings: WriterSettings) -> Vocabulary:
    """The vocabulary as the workers' model has it, without loading the model."""
    from .decoding.vocabulary import Vocabulary
    from .models import load_eos_token_ids, load_tokenizer

    tokenizer = load_tokenizer(settings.model if settings.tokenizer is None else settings.tokenizer)
    return Vocabulary.from_tokenizer(tokenizer, eos_token_ids=load_eos_token_ids(settings.model))
