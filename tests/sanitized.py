"""Has the C compiled by gcc with checks of memory and arithmetic: `make test-sanitized`.

A plugin of pytest. Whatever reads or writes beyond an array, or overflows, ends the tests there.
"""


def pytest_configure():
    from fidelity import compiling

    compiling._COMPILER = ("gcc",)
    compiling._OPTIONS += (
        *("-O1", "-g", "-fPIC", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        "-D__builtin_unpredictable(x)=(x)",  # which gcc does not know
    )
