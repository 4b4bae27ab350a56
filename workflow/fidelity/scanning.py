"""Compiled passes over the bytes of a CSV file: its rows, and what stands in a column.

Most rows of the original logs are of sessions that are dropped, and nothing is made of them but
counts. So no value becomes an object: a field is a pair of places in the bytes, compared and
read where it stands, and only the texts of kept sessions are copied.

The grammar is that of RFC 4180 without what these logs never need: fields are separated by
commas, rows end with LF or CR LF, empty lines are skipped, and a field may stand in quotation
marks if it holds no other quotation mark and no line end.
"""

import numpy as np

from .compiling import numba

HIGHEST = 65_535  # of whole numbers

_NOTHING, _FIELDS, _INNER_QUOTE, _INNER_RETURN = range(4)
_FAULTS = (
    "",
    "{} fields instead of {}",
    "a quotation mark inside of a value, or one that is not closed on its line",
    "a carriage return that ends no line",
)
_COMMA, _LINE_FEED, _RETURN, _QUOTE = b',\n\r"'
_STEP = 4096  # bytes, a multiple of 8
_DIGIT_0, _DIGIT_9 = b"09"
_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX, _HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)

_compiled = numba.njit(cache=True, nogil=True)


class Splitter:
    """Finds the rows of a CSV file, block by block.

    Parameters
    ----------
    n_fields : int
        Of each row.
    """

    def __init__(self, n_fields):
        self.n_fields = n_fields
        self._reserve(0)

    def split(self, data):
        """Return (rows, end, fault) of a block.

        Parameters
        ----------
        data : array of uint8
            From the beginning of a row. What follows its last line feed is left alone.

        Returns
        -------
        rows : Rows
            Valid until the next call.
        end : int
            Where they end in the block.
        fault : str
            What is wrong with the row that follows them; empty if nothing is, as far as it goes.
        """
        if len(data) + 2 > len(self._marks):
            self._reserve(len(data))
        n_rows, fault, n_fields = _split(data, self.n_fields, self._marks, self._firsts)
        end = int(self._marks[self._firsts[n_rows]]) + 1
        fault = _FAULTS[fault].format(n_fields, self.n_fields)
        return Rows(data, self._marks, self._firsts[:n_rows]), end, fault

    def _reserve(self, size):
        # Once, since fresh memory costs more than what is done with it here.
        self._marks = np.empty(size + 2, dtype=np.int32)  # one is written in vain
        self._firsts = np.empty(size // self.n_fields + 2, dtype=np.int64)


class Rows:
    """Rows of a CSV file, as places in its bytes.

    Field f of row r is `data[marks[firsts[r] + f] + 1 : marks[firsts[r] + f + 1]]`, with its
    quotation marks if it has them.

    Parameters
    ----------
    data : array of uint8
    marks : array of int32
        Places: of the line feed before a row (-1 before the first), then of the ends of its
        fields.
    firsts : array of int64, shape (rows,)
        Where in the marks a row begins.
    """

    def __init__(self, data, marks, firsts):
        self.data, self.marks, self.firsts = data, marks, firsts

    def __len__(self):
        return len(self.firsts)

    def take(self, chosen):
        """Return some of the rows, by number, mask or slice."""
        return Rows(self.data, self.marks, self.firsts[chosen])

    def start(self, row):
        """Return where a row begins in the bytes."""
        return int(self.marks[self.firsts[row]]) + 1

    def wholes(self, column):
        """Return the whole numbers in a column, int32; -1 where it is none from 0 to HIGHEST."""
        values = np.empty(len(self), dtype=np.int32)
        _read_wholes(self.data, self.marks, self.firsts, column, values)
        return values

    def words(self, column, words):
        """Return which of some words (bytes) stands in each row of a column, int32; -1 if none."""
        values = np.empty(len(self), dtype=np.int32)
        ends = np.cumsum([len(word) for word in words], dtype=np.int64)
        words = np.frombuffer(b"".join(words), dtype=np.uint8)
        _find_words(self.data, self.marks, self.firsts, column, words, ends, values)
        return values

    def repeats(self, column):
        """Return for each row, as bool, whether it holds the same in a column as that before."""
        same = np.zeros(len(self), dtype=np.bool_)
        _compare(self.data, self.marks, self.firsts, column, same)
        return same

    def hashes(self, column):
        """Return a 64-bit hash of each text in a column, uint64."""
        values = np.empty(len(self), dtype=np.uint64)
        _hash(self.data, self.marks, self.firsts, column, values)
        return values

    def texts(self, column):
        """Return the (offsets, bytes) of a column: text r is bytes[offsets[r] : offsets[r + 1]]."""
        offsets = np.zeros(len(self) + 1, dtype=np.int32)
        _measure(self.data, self.marks, self.firsts, column, offsets)
        texts = np.empty(offsets[-1], dtype=np.uint8)
        _copy(self.data, self.marks, self.firsts, column, offsets, texts)
        return offsets, texts


@_compiled
def _split(data, n_fields, marks, firsts):
    """Fill `marks` and `firsts`; return (whole rows, fault of the next, its fields)."""
    n_marks = _mark(data, marks)
    # Marks are sifted in place: up to `kept` those of rows, from `read` those not yet looked at.
    read, kept, n_rows = 1, 0, 0
    while True:
        first = kept
        firsts[n_rows] = first
        byte = _COMMA
        while byte != _LINE_FEED:
            if read == n_marks:
                return n_rows, _NOTHING, 0
            place = marks[read]
            byte = data[place]
            read += 1
            if byte == _COMMA:
                kept += 1
                marks[kept] = place
            elif byte == _QUOTE:
                if place != marks[kept] + 1:
                    return n_rows, _INNER_QUOTE, 0
                while read < n_marks and data[marks[read]] == _COMMA:
                    read += 1
                if read == n_marks:
                    return n_rows, _NOTHING, 0
                close = marks[read]
                read += 1
                if data[close] != _QUOTE:
                    return n_rows, _INNER_QUOTE, 0
                if read == n_marks:
                    return n_rows, _NOTHING, 0
                if marks[read] != close + 1 or data[close + 1] == _QUOTE:
                    return n_rows, _INNER_QUOTE, 0
            elif byte == _RETURN:
                if read == n_marks:
                    return n_rows, _NOTHING, 0
                if data[place + 1] != _LINE_FEED:
                    return n_rows, _INNER_RETURN, 0
        end = place
        if end > 0 and data[end - 1] == _RETURN:
            end -= 1
        if end == marks[first] + 1:  # an empty line
            kept += 1
            marks[kept] = place
            continue
        if kept - first + 1 != n_fields:
            return n_rows, _FIELDS, kept - first + 1
        kept += 1
        marks[kept] = end
        if end != place:
            kept += 1
            marks[kept] = place
        n_rows += 1


@_compiled
def _mark(data, marks):
    """Fill `marks` with -1 and the places of all bytes that mean something; return how many."""
    flags = np.zeros(_STEP, dtype=np.uint8)
    words = flags.view(np.uint64)
    marks[0] = -1
    n_marks = np.uint64(1)
    for start in range(0, len(data), _STEP):
        step = data[start : start + _STEP]
        flags[len(step) :] = 0
        for i in range(len(step)):  # 32 bytes at a time, if compiled
            byte = step[i]
            flags[i] = (
                (byte == _COMMA) | (byte == _LINE_FEED) | (byte == _QUOTE) | (byte == _RETURN)
            )
        for word in range(len(words)):
            if words[word] != 0:
                for i in range(8 * word, 8 * word + 8):
                    # Written always, kept only if flagged: branches would be guessed wrong.
                    marks[n_marks] = start + i
                    n_marks += np.uint64(flags[i])
    return np.int64(n_marks)


@_compiled
def _field(data, marks, first, column):
    """Return (begin, end) of a field, without quotation marks."""
    begin, end = np.int64(marks[first + column] + 1), np.int64(marks[first + column + 1])
    quoted = begin < end and data[begin] == _QUOTE
    return begin + quoted, end - quoted


@_compiled
def _read_wholes(data, marks, firsts, column, values):
    for row in range(len(firsts)):
        begin, end = _field(data, marks, firsts[row], column)
        value = 0 if begin < end else -1
        for place in range(begin, end):
            byte = np.int64(data[place])
            if value >= 0:
                value = 10 * value + byte - _DIGIT_0
            if byte < _DIGIT_0 or byte > _DIGIT_9 or value > HIGHEST:
                value = -1
        values[row] = value


@_compiled
def _find_words(data, marks, firsts, column, words, ends, values):
    for row in range(len(firsts)):
        begin, end = _field(data, marks, firsts[row], column)
        values[row] = -1
        start = 0
        for number in range(len(ends)):
            stop = ends[number]
            if stop - start == end - begin:
                difference = np.uint8(0)
                one, other = data[begin:end], words[start:stop]
                for i in range(len(one)):
                    difference |= one[i] ^ other[i]
                if difference == 0:
                    values[row] = number
            start = stop


@_compiled
def _compare(data, marks, firsts, column, same):
    before, before_end = 0, -1
    for row in range(len(firsts)):
        begin, end = _field(data, marks, firsts[row], column)
        if end - begin == before_end - before:
            difference = np.uint8(0)
            one, other = data[begin:end], data[before:before_end]
            for i in range(len(one)):  # slices: 32 bytes at a time, if compiled
                difference |= one[i] ^ other[i]
            same[row] = difference == 0
        before, before_end = begin, end


@_compiled
def _hash(data, marks, firsts, column, values):
    for row in range(len(firsts)):
        begin, end = _field(data, marks, firsts[row], column)
        value = _FNV_OFFSET
        for place in range(begin, end):
            value = (value ^ np.uint64(data[place])) * _FNV_PRIME
        # FNV-1a, and mixed once more, so that sums of it spread.
        value = (value ^ (value >> _HALF)) * _MIX
        values[row] = value ^ (value >> _HALF)


@_compiled
def _measure(data, marks, firsts, column, offsets):
    for row in range(len(firsts)):
        begin, end = _field(data, marks, firsts[row], column)
        offsets[row + 1] = offsets[row] + end - begin


@_compiled
def _copy(data, marks, firsts, column, offsets, texts):
    for row in range(len(firsts)):
        begin, end = _field(data, marks, firsts[row], column)
        texts[offsets[row] : offsets[row + 1]] = data[begin:end]
