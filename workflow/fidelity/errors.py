"""Faults that are told in a sentence, without a traceback."""


class InputError(ValueError):
    """Input (a log, a setting) is at fault; the text says what, where and what to do."""


class OutputError(OSError):
    """A file cannot be written; the text says which, why and what to do."""
