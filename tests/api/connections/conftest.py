"""One API process for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.connections.site import Site, running_site


@pytest.fixture(scope="module")
def site(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(module_database_url, tmp_path_factory.mktemp("site")) as made:
        yield made
