from bench.__main__ import command


def test_what_was_typed_makes_the_report_again_whoever_chose_the_plan():
    assert command(["--rounds", "2"], "quick") == "python -m bench --plan quick --rounds 2"
    assert command(["--plan=full", "--publish"], "full") == "python -m bench --plan=full --publish"
