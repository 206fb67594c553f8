"""The error a person can mend."""


class UserError(Exception):
    """One sentence: what was found and where, what was expected, what to do. The command line exits with 2."""
