"""Tests that share running servers share the process that runs them."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests: nothing is shared out")
def test_a_test_carries_its_group_where_tests_are_shared_out(request):
    assert request.node.nodeid.endswith("@sluice")
