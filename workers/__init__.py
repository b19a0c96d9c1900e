"""How work gets here, and what happens when it fails.

An act writes a row and, after its commit, a message with the row's id. A task here calls the
service with that id and nothing else; the service claims the row, so a message that comes twice
does nothing the second time. A lost message is sent again by a sweep. Nothing is kept in the broker
that the database does not have.

Start reading at `app`, then `schedule`. A new file of tasks in this package is found by itself.
"""
