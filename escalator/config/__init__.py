"""What a person writes: the config file, read strictly and checked as a whole before anything acts
on it.

`loading.load` is the one way in. Everything that is wrong comes at once, each with its place in
the file; a file that loads gives a `model.Config` for the shell and a `Rules` value for the
core. Pydantic stays in this package.
"""
