"""The rehearsal gives by day, whenever it is begun: at night it tells the same story."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from lims.core import clock
from lims.station.rehearsal import giving

HERE = ZoneInfo("Asia/Tehran")


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("until", [15, 20])
def test_whatever_the_hour_it_is_day_when_somebody_is_treated(monkeypatch, hour, until):
    monkeypatch.setattr(giving, "_zone", lambda _stage: str(HERE))
    kept = clock.SetClock(datetime(2026, 3, 20, hour, 40, tzinfo=UTC))
    with clock.running(kept):
        before = clock.now()
        for pause in giving.by_day(SimpleNamespace(), until=until):
            kept.set(clock.now() + pause)
        here = clock.now().astimezone(HERE)
    assert 7 <= here.hour < until
    waited = here - before
    assert timedelta(0) <= waited < timedelta(hours=17)
