"""What pages and API share: one declaration of an act gives both its doors.

A feature's `doors.py` declares each act once (`doors.Doors`); its form, its API route, its
idempotency key, its refusals and its place among the next steps of an item follow from that.
Start reading at `doors`, then `fields` (what may come in) and `errors` (how a refusal looks).

`web` knows no feature: who is signed in is told by a loader that `lims.app` sets in `auth`.
"""
