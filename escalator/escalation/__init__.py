"""The rules of the pager, pure: values in, values out.

What an alert, an incident, a call and a policy are, what happens to them, and what is to be said.
Nothing in here reads a clock, waits, logs, draws lots or touches a socket or a file: time is an
argument, and every id comes with the event. Start at `events` (what can happen), `incidents` and
`calls` (what there is), `decide` and `decide_call` (what follows).
"""
