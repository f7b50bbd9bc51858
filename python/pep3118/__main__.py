"""The command ``pep3118`` of the Python package."""


def main() -> int:
    """Runs the command."""
    raise NotImplementedError
