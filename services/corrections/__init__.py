"""What changes after an invoice is final: late usage, credit notes, credit that goes back."""
