"""A trace tells what went through the seam from what went past it, thread by thread."""

from __future__ import annotations

from endurance.seam import read_trace

_IN, _OUT = '"/the-storage-seam/begin/open", F_OK) = -1', '"/the-storage-seam/end/open", F_OK) = -1'


def test_a_call_between_the_marks_of_its_own_thread_went_through_the_seam() -> None:
    seen = read_trace(
        [f"1 access({_IN}", '1 openat(AT_FDCWD</>, "/v/data", O_RDONLY) = 3</v/data>', f"1 access({_OUT}"], "/v"
    )

    assert (seen.inside, seen.outside) == ({"open": 1}, {})


def test_a_call_of_another_thread_meanwhile_went_past_it() -> None:
    seen = read_trace([f"1 access({_IN}", '2 unlink("/v/data") = 0', f"1 access({_OUT}"], "/v")

    assert seen.outside == {"unlink": 1}
    assert seen.examples["unlink"] == '2 unlink("/v/data") = 0'


def test_a_descriptor_of_the_volume_counts_as_well_as_a_name_on_it() -> None:
    seen = read_trace(["7 fsync(9</v/docker/data>) = 0", "7 read(9</v/gone>(deleted), 0x7f, 10) = 1"], "/v")

    assert seen.outside == {"fsync": 1, "read": 1}


def test_what_is_not_on_the_volume_is_nobodys_business() -> None:
    lines = ['7 openat(AT_FDCWD</>, "/volume2", O_RDONLY) = 3', '7 read(4</etc/config>, "root: /v/x", 99) = 10']

    assert read_trace(lines, "/v").outside == {}


def test_the_end_of_a_call_is_not_a_second_call() -> None:
    lines = ["7 fsync(9</v/docker/data> <unfinished ...>", "7 <... fsync resumed>) = 0", "7 +++ exited with 0 +++"]

    assert read_trace(lines, "/v").outside == {"fsync": 1}
