from bench.settling import Reading, when_still


def _reader(*readings: tuple[float, int]):
    left = [Reading(*one) for one in readings]
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def _settled(*readings: tuple[float, int], at_most_s: float = 15.0) -> Reading:
    return when_still(_reader(*readings), lambda _: None, at_most_s)


def test_a_server_that_goes_on_working_is_waited_for():
    assert _settled((1.0, 5), (1.5, 5), (2.0, 5), (2.5, 5)) == Reading(2.5, 5)


def test_an_upstream_that_logs_late_is_waited_for():
    assert _settled((1.0, 5), (1.0, 5), (1.0, 10)) == Reading(1.0, 10)


def test_timers_that_tick_are_no_work():
    assert _settled((1.0, 5), (1.001, 5), (1.002, 5), (9.0, 5)) == Reading(1.002, 5)


def test_a_server_that_never_rests_is_read_in_the_end():
    assert _settled(*((float(number), 0) for number in range(99)), at_most_s=2.0) == Reading(10.0, 0)
