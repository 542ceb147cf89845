"""Tables: columns and named constraints, no methods. Importing the package loads every table."""

from models import accounts as accounts
from models import audit_log as audit_log
from models import catalog as catalog
from models import coverage_checks as coverage_checks
from models import credits as credits  # noqa: A004  (the topic, as everywhere)
from models import customer_accounts as customer_accounts
from models import customers as customers
from models import discounts as discounts
from models import entitlements as entitlements
from models import idempotency as idempotency
from models import installation_checks as installation_checks
from models import invoicing as invoicing
from models import notifications as notifications
from models import payments as payments
from models import subscriptions as subscriptions
from models import usage as usage
