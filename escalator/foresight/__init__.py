"""What would happen: the pure core, driven through imagined time. Who is on call, and who would be rung.

Nothing in here decides anything: `escalation` does, as it does for the daemon. Nothing reads a
clock, a database or the network; moments come as arguments, wall time and aware.
"""
