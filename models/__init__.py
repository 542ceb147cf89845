"""Tables: columns and named constraints, no methods. Importing the package loads every table."""

from models import api_keys as api_keys
from models import audit as audit
from models import credit_notes as credit_notes
from models import customer_accounts as customer_accounts
from models import customers as customers
from models import entitlements as entitlements
from models import features as features
from models import idempotency as idempotency
from models import invoices as invoices
from models import late_usage as late_usage
from models import meter_claims as meter_claims
from models import meters as meters
from models import organizations as organizations
from models import plans as plans
from models import subscriptions as subscriptions
from models import tax_rates as tax_rates
from models import test_clocks as test_clocks
from models import usage_events as usage_events
from models import usage_rollups as usage_rollups
from models import users as users
