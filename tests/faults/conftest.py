"""The product's fixtures, for tests of what happens when parts of it fail."""

from tests.scenarios.conftest import account, product, sign_up

__all__ = ["account", "product", "sign_up"]
