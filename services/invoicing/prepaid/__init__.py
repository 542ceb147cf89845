"""What prepaid credit pays of bills."""
