"""Calendars in both directions: those that say who is on call, and those that people subscribe to.

A foreign calendar is fetched (`fetching`), read in a process of its own (`reading`, `expand`), kept and put in force
(`keeping`). Ours are written by `writing`, under addresses that `links` makes.
"""
