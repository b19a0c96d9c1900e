"""Commands that belong to no feature; every feature brings its own in its `commands.py`."""
