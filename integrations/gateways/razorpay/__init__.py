"""The gateway Razorpay."""
