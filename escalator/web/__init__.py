"""The internal listener: what senders, people and Prometheus may ask of the daemon, and how it answers.

`server.build` puts it together from a `WebContext`. The public listener, which only the carrier reaches, is none of
this: it lives in `escalator.phone`.
"""
