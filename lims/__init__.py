"""A sample's journey, package by package.

A trial is a file (`studies`): its arms, rules and limits; a woman joins it by number, gives her
consent and is given an arm. She gets a kit and her sample comes back in it (`collection`); from
then on every vessel has a code, a place, a holder and a trail (`custody`). Cells are grown,
preconditioned or not, and their medium is harvested (`culture`), spun, filtered and filled as a
lot of vials (`isolation`). Instruments' files are read strictly (`instruments`), results are
judged against the frozen specification (`qc`), and one person who did nothing else on the lot
signs it free (`release`). A vial is assigned, issued, thawed, checked at the bedside and given or
not (`dosing`). `station` joins what belongs to no step: what a scan says, what waits for whom, the
trace, the rehearsal.

Beneath: `people` knows who works here, `labels` draws and prints, `web` gives each act its page
and its API route, `ledger` keeps the one trail that only grows, `core` holds what all of them
stand on. Imports point down that list only; ARCHITECTURE.md draws it.
"""
