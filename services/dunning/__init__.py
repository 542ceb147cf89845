"""What a payment workflow does step by step, until an invoice is paid or given up."""
