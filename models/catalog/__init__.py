"""Tables of what is sold."""

from models.catalog import commitments as commitments
from models.catalog import features as features
from models.catalog import meter_claims as meter_claims
from models.catalog import meters as meters
from models.catalog import plans as plans
from models.catalog import tax_rates as tax_rates
