"""Tests of the fixture `assert_conformant_buffer`."""


def test_the_fixture_passes_fails_and_allows(pytester):
    pytester.makepyfile(
        """
        import ctypes

        def test_good(assert_conformant_buffer):
            report = assert_conformant_buffer(memoryview(b"abcdef").cast("B", (2, 3)))
            assert report.rules == ("B01",)

        def test_bad(assert_conformant_buffer):
            assert_conformant_buffer(ctypes.c_int(1))

        def test_allowed(assert_conformant_buffer):
            assert_conformant_buffer(ctypes.c_int(1), allow=("B05",))

        def test_other_allowed(assert_conformant_buffer):
            assert_conformant_buffer(ctypes.c_int(1), allow=("B19",))

        def test_no_exporter(assert_conformant_buffer):
            assert_conformant_buffer(1)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=3)
    # The message shows the source line of the test, the object, and the file name with the line number.
    result.stdout.fnmatch_lines(
        [
            "*>*assert_conformant_buffer(ctypes.c_int(1))*",
            "*Failed: c_int(1) of type ctypes.c_int breaks B05*",
            "*.py:8: Failed*",
        ]
    )
    result.stdout.fnmatch_lines(
        ["*c_int breaks B05*", "*FORMAT-UNSET-NULL*", "*TypeError: a bytes-like object is required*"]
    )


def test_an_unknown_rule_is_refused(pytester):
    pytester.makepyfile(
        """
        def test_typo(assert_conformant_buffer):
            assert_conformant_buffer(b"", allow=("B5",))
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ValueError: unknown rule `B5`*did you mean `B05`*"])


def test_the_list_of_fixtures_contains_the_fixture(pytester):
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["assert_conformant_buffer*", "*Fails the test if an exporter breaks a rule*"])
