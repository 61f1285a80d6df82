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
                matcher._refuse_budget(budgets[i])
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


cdef list mask_rows(Score* scores, Py_ssize_t stride, Score* out, Py_ssize_t n, size_t columns,
                    const int32_t[:, :] bits, Score pattern, rows):
    cdef size_t words = bits.shape[1]
    cdef Py_ssize_t row
    cdef vector[char] masked, left
    masked.assign(n, 0)
    left.assign(n, 1)
    for row in rows:
        if not 0 <= row < n:
            raise IndexError(f"row {row}: there are {n}")
        masked[row] = 1
    with nogil:
        for row in range(n):
            if out == NULL:
                if masked[row]:
                    left[row] = forbid(scores + row * stride, columns, <const uint32_t*>&bits[row, 0], words, pattern)
            elif masked[row]:
                left[row] = copy_allowed(scores + row * stride, out + row * columns, columns, <const uint32_t*>&bits[row, 0], words, pattern)
            else:
                memcpy(out + row * columns, scores + row * stride, columns * sizeof(Score))
    return [row for row in rows if not left[row]]


def mask_scores(size_t scores, Py_ssize_t stride, size_t out, Py_ssize_t n, size_t columns, int item_size,
                const int32_t[:, :] bits, int64_t pattern, rows):
    """Write `pattern` where the bit of `rows` is not set: in place, or into a copy, which has the other rows as they are.

    scores: address of n rows of `columns` scores of `item_size` bytes (2, 4 or 8), each row contiguous, which begin `stride`
    scores apart. out: address of the copy, whose rows lie one after the other; 0: in place. bits: int32, shape [at least n,
    words]. Addresses, because to make arrays of tensors costs some 20 us where the model's step has just emptied the caches.
    Returns the rows of `rows` where no other score than `pattern` is left.
    """
    if bits.shape[0] < n:
        raise ValueError(f"bitmask: must have a row for each of the {n} rows of scores, got {bits.shape[0]}")
    if bits.shape[1] > 1 and bits.strides[1] != 4:
        raise ValueError("the rows of the bitmask must be contiguous")
    if n == 0 or columns == 0 or bits.shape[1] == 0:
        return list(rows)
    if item_size == 4:
        return mask_rows(<int32_t*>scores, stride, <int32_t*>out, n, columns, bits, <int32_t>pattern, rows)
    if item_size == 2:
        return mask_rows(<int16_t*>scores, stride, <int16_t*>out, n, columns, bits, <int16_t>pattern, rows)
    if item_size == 8:
        return mask_rows(<int64_t*>scores, stride, <int64_t*>out, n, columns, bits, <int64_t>pattern, rows)
    raise ValueError(f"item_size: must be 2, 4 or 8, got {item_size}")


def read_next_column(int64_t[:, ::1] shown, Py_ssize_t width, size_t address, Py_ssize_t stride):
    """The tokens in column `width` of some rows, written into `shown` too, if the columns before it are those of `shown`.

    shown: shape [rows, more than width]. address: of as many rows of at least width + 1 tokens, int64, which begin `stride`
    tokens apart. Returns None, and writes nothing, if a column before is another one.
    """
    cdef const int64_t* given = <const int64_t*>address
    cdef Py_ssize_t row, n = shown.shape[0]
    if not 0 <= width < shown.shape[1]:
        raise IndexError(f"column {width}: there are {shown.shape[1]}")
    for row in range(n):
        if memcmp(&shown[row, 0], given + row * stride, width * sizeof(int64_t)):
            return None
    cdef list tokens = []
    for row in range(n):
        shown[row, width] = given[row * stride + width]
        tokens.append(shown[row, width])
    return tokens
