"""The error a person can mend."""


class UserError(ValueError):
    """One sentence: what was found and where, what was expected, what to do. The command line exits with 2.

    A `ValueError`, as Python programs expect of a value that cannot be used: code that catches those lets this one
    through first, unless it is to say more.
    """
