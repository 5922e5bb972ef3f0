"""escalator: takes alerts, rings the people on call in turn, until somebody presses a key."""
