"""Tables of invoices, credit notes and corrections."""

from models.invoicing import credit_notes as credit_notes
from models.invoicing import draws as draws
from models.invoicing import invoices as invoices
from models.invoicing import late_usage as late_usage
from models.invoicing import links as links
from models.invoicing import receipts as receipts
from models.invoicing import sequences as sequences
