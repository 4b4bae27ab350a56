"""Faults that lie in what the user brought."""


class InputError(ValueError):
    """Input (a log, a setting) is at fault; the text says what, where and what to do."""
