"""What every feature stands on; knows no feature.

`clock` tells the time, `codes` names things, `numbers` and `units` read amounts, `errors` and
`words` say what went wrong in the reader's language, `permissions` says who may, `db` holds the
transaction, `acts` makes one act of one request, `gate` computes every yes, `queue` sends work on,
`events` lets a later step be heard by an earlier one.
"""
