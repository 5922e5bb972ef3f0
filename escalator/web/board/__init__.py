"""The board: pages for people, made on the server, which work without a script and update themselves with one.

A page is a module with its handlers; `frame` is what they share. The table of routes is that of the listener.
"""
