"""Calls: placing them, speaking in them, hearing the keys, and settling what is unclear.

Only `twilio` speaks HTTP to the carrier; the rest knows the values of `carrier`.
"""
