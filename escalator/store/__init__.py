"""Where incidents, pages and calls are kept, and how a batch of events becomes one commit.

`fold` runs events through the pure rules over a working set; `sqlite` loads and writes that set in one transaction;
`writer` is the one thread that does so for everybody who waits; `reading` answers questions without ever waiting for
a writer. `schema` holds the tables.
"""
