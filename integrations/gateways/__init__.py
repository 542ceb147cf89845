"""Payment gateways, each behind the verbs of ``billing.payments.gateways``."""
