"""`python -m tests.docs`: write the part of docs/cli.md that follows from the program."""

from tests.docs.reference import CLI, with_reference


def main() -> None:
    """Rewrite docs/cli.md below its mark; above it stays as it is."""
    CLI.write_text(with_reference(CLI.read_text()))


if __name__ == "__main__":
    main()
