# Work on many rows at once, included in `core.pyx`: the masks of a batch of matchers, and masks written over scores. Both
# run without the interpreter lock.

def fill_bitmasks(matchers, bitmask, rows=None, budgets=None):
    """Fill row `rows[i]` (default i) for each matcher, the interpreter lock released while rows are computed."""
    cdef Py_ssize_t i, n = len(matchers)
    cdef Matcher matcher
    cdef int32_t state
    cdef vector[Session*] sessions
    cdef vector[int32_t] states
    cdef vector[int64_t] limits
    cdef vector[uint32_t*] targets
    cdef vector[Tracker*] trackers
    cdef vector[char] filled
    cdef size_t words = 0
    cdef char* base
    for name, values in (("rows", rows), ("budgets", budgets)):
        if values is not None and len(values) != n:
            raise ValueError(f"{name}: must have one entry for each of the {n} matchers, got {len(values)}")
    for i in range(n):
        matcher = <Matcher?>matchers[i]
        if not matcher.has_view or matcher.bitmask is not bitmask:
            matcher.hold(bitmask)
        base = matcher.row(i if rows is None else matcher.integer("rows", rows[i]))
        words = matcher.view.shape[matcher.view.ndim - 1]
        sessions.push_back(matcher.session)
        state = -1
        if not matcher.ended:
            state = matcher.history.back()
        states.push_back(state)
        limits.push_back(-1 if budgets is None or budgets[i] is None else max(<int64_t>0, matcher.integer("budgets", budgets[i])))
        targets.push_back(<uint32_t*>base)
        trackers.push_back(matcher.tracker.get())
    filled.resize(n)
    with nogil:
        for i in range(n):
            if states[i] < 0:
                sessions[i].fill_end(targets[i], words)
                filled[i] = 1
            else:
                filled[i] = sessions[i].fill_batch(states[i], limits[i], targets[i], words, trackers[i], True)
    for i in range(n):
        if not filled[i]:
            matcher = matchers[i]
            if limits[i] >= 0:
                matcher._refuse_budget(limits[i])
            matcher._refuse_empty()


ctypedef fused Score:
    int16_t
    int32_t
    int64_t


def forbid_tokens(Score[:, :] scores, const int32_t[:, :] bits, Score pattern, rows=None):
    """Write `pattern` over the scores whose bit is not set, and over those that have none.

    scores: words of the size of a score, shape [rows, columns]; bits: int32, shape [rows, words]; both with contiguous
    rows. rows: the rows of both; by default all.
    """
    cdef size_t columns = scores.shape[1], words = bits.shape[1]
    cdef Py_ssize_t row, n = scores.shape[0]
    cdef vector[Py_ssize_t] chosen
    if bits.shape[0] < n and rows is None:
        raise ValueError(f"bitmask: must have a row for each of the {n} rows of logits, got {bits.shape[0]}")
    if (columns > 1 and scores.strides[1] != sizeof(Score)) or (words > 1 and bits.strides[1] != 4):
        raise ValueError("the rows of logits and bitmask must be contiguous")
    for row in range(n) if rows is None else rows:
        if row < 0 or row >= n or row >= bits.shape[0]:
            raise IndexError(f"row {row}: there are {n} rows of logits and {bits.shape[0]} of the bitmask")
        chosen.push_back(row)
    if columns == 0:
        return
    with nogil:
        for row in chosen:
            forbid(&scores[row, 0], columns, <const uint32_t*>&bits[row, 0] if words else NULL, words, pattern)


def copy_allowed_scores(Score[:, :] scores, Score[:, :] out, const int32_t[:, :] bits, Score pattern, rows):
    """Write a copy of the scores, with `pattern` where the bit of `rows` is not set; the other rows are copied as they are.

    Shapes and contiguity as for `forbid_tokens`. Returns the rows of `rows` where no other score than `pattern` is left.
    """
    cdef size_t columns = scores.shape[1], words = bits.shape[1]
    cdef Py_ssize_t row, n = scores.shape[0]
    cdef vector[char] masked, left
    if bits.shape[0] < n or out.shape[0] != n or out.shape[1] != scores.shape[1]:
        raise ValueError(f"needs {n} rows of bits and of the copy, and copies of {columns} columns")
    if (columns > 1 and (scores.strides[1] != sizeof(Score) or out.strides[1] != sizeof(Score))) or (words > 1 and bits.strides[1] != 4):
        raise ValueError("the rows of scores and bitmask must be contiguous")
    rows = list(rows)
    masked.assign(n, 0)
    left.assign(n, 1)
    for row in rows:
        if not 0 <= row < n:
            raise IndexError(f"row {row}: there are {n}")
        masked[row] = 1
    if columns == 0 or words == 0:
        return rows
    with nogil:
        for row in range(n):
            if masked[row]:
                left[row] = copy_allowed(&scores[row, 0], &out[row, 0], columns, <const uint32_t*>&bits[row, 0], words, pattern)
            else:
                memcpy(&out[row, 0], &scores[row, 0], columns * sizeof(Score))
    return [row for row in rows if not left[row]]
