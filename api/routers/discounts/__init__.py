"""Routes of coupons."""
