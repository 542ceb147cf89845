"""Statements about payments and connections to gateways."""
