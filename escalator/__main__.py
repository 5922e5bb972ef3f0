"""`python -m escalator` is the `escalator` command."""

from escalator.cli import main

if __name__ == "__main__":
    main()
