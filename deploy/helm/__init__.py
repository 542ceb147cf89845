"""The Helm chart, and what of it is written out of the product."""
