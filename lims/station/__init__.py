"""What belongs to no step: scan answers, the item page, what waits for whom, trace, rehearsal."""
