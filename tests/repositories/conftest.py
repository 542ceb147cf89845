"""Organizations of their own, as tests of use cases have them."""

from tests.services.conftest import other_shop, shop, transactions

__all__ = ["other_shop", "shop", "transactions"]
