"""Compiled passes over the bytes of a CSV file: its rows, and what stands in a column.

Most rows of the original logs are of sessions that are dropped, and nothing is made of them but
counts. So no value becomes an object: a field is a pair of places in the bytes, compared and
read where it stands, and only the texts of kept sessions are copied.

The grammar is that of RFC 4180 without what these logs never need: fields are separated by
commas, rows end with LF or CR LF, empty lines are skipped, and a field may stand in quotation
marks if it holds no other quotation mark and no line end. The passes are in `scanning.c`.
"""

import numpy as np

from .compiling import Compiled

HIGHEST = 65_535  # of whole numbers

# In the order of `scanning.c`.
_FAULTS = (
    "",
    "{} fields instead of {}",
    "a quotation mark inside of a value, or one that is not closed on its line",
    "a carriage return that ends no line",
)

_compiled = Compiled(__file__)


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
        found = np.zeros(2, dtype=np.int64)
        fault = _compiled.split(data, len(data), self.n_fields, self._marks, self._firsts, found)
        n_rows, n_fields = found
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
        return Rows(self.data, self.marks, np.ascontiguousarray(self.firsts[chosen]))

    def start(self, row):
        """Return where a row begins in the bytes."""
        return int(self.marks[self.firsts[row]]) + 1

    def wholes(self, column):
        """Return the whole numbers in a column, int32; -1 where it is none from 0 to HIGHEST."""
        values = np.empty(len(self), dtype=np.int32)
        _compiled.read_wholes(*self._fields(column), HIGHEST, values)
        return values

    def words(self, column, words):
        """Return which of some words (bytes) stands in each row of a column, int32; -1 if none."""
        values = np.empty(len(self), dtype=np.int32)
        ends = np.cumsum([len(word) for word in words], dtype=np.int64)
        words = np.frombuffer(b"".join(words), dtype=np.uint8)
        _compiled.find_words(*self._fields(column), words, ends, len(ends), values)
        return values

    def repeats(self, column):
        """Return for each row, as bool, whether it holds the same in a column as that before."""
        same = np.empty(len(self), dtype=np.bool_)
        _compiled.find_repeats(*self._fields(column), same)
        return same

    def hashes(self, column):
        """Return a 64-bit hash of each text in a column, uint64."""
        values = np.empty(len(self), dtype=np.uint64)
        _compiled.hash_texts(*self._fields(column), values)
        return values

    def texts(self, column):
        """Return the (offsets, bytes) of a column: text r is bytes[offsets[r] : offsets[r + 1]]."""
        offsets = np.empty(len(self) + 1, dtype=np.int32)
        _compiled.measure_texts(*self._fields(column), offsets)
        texts = np.empty(offsets[-1], dtype=np.uint8)
        _compiled.copy_texts(*self._fields(column), offsets, texts)
        return offsets, texts

    def _fields(self, column):
        return self.data, self.marks, self.firsts, len(self), column
