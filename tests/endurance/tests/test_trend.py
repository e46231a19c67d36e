"""A leak is told from noise: what is gained a little every time, and what only comes and goes."""

import random

from endurance.trend import Trend


def test_noise_is_no_rise() -> None:
    chance, trend = random.Random(1), Trend(first_limit=60, limit=20)

    assert [trend.add(1000 + chance.uniform(0, 50)) for _ in range(200)] == [None] * 200


def test_a_peak_is_no_rise() -> None:
    trend = Trend(first_limit=60, limit=20)

    assert [trend.add(1000 + 500 * (number == 50)) for number in range(100)] == [None] * 100


def test_a_small_gain_every_time_is_noticed_under_noise() -> None:
    chance, trend = random.Random(1), Trend(first_limit=60, limit=20)

    gained = [trend.add(1000 + number + chance.uniform(0, 50)) for number in range(100)]

    assert next(number for number, one in enumerate(gained) if one) < 60


def test_a_large_gain_is_noticed_before_there_is_a_trend() -> None:
    trend = Trend(first_limit=60, limit=20)

    assert [trend.add(figure) for figure in (1000, 1050, 1070)] == [None, None, 70]


def test_what_fills_at_first_is_no_rise_and_what_goes_on_is() -> None:
    filling = [1000 + min(number, 30) for number in range(100)]
    filled, leaking = (Trend(first_limit=60, limit=20, settling=33) for _ in range(2))

    assert [filled.add(figure) for figure in filling] == [None] * 100
    gained = [leaking.add(figure + number / 2) for number, figure in enumerate(filling)]
    assert not any(gained[:33])
    assert any(gained[33:])
