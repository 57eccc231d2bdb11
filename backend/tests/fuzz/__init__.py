"""Fuzz targets: one function for each parser, which takes any bytes and says what must hold.

A target returns for input that is read, or refused by an `HTTPError` of the 400s; any other exception is a finding.
Where there is an inverse, what was read is written and read again. To look longer than the test run does:

    python -m tests.fuzz.run query FOLDER -max_total_time=600    # FOLDER keeps what it learns
    python -m tests.fuzz.run query crash-FILE                    # runs one finding again

`corpus/<target>.txt` has the inputs it starts from, one a line, written as Python would between quotes. A finding that
was mended becomes a line there: every line is run by the tests, with the fuzzer or without.
"""
