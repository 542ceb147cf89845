"""Prepaid credit: units, wallets, grants, holds, and the postings that move them."""

from models.credits import grant_rules as grant_rules
from models.credits import grants as grants
from models.credits import holds as holds
from models.credits import postings as postings
from models.credits import top_ups as top_ups
from models.credits import wallets as wallets
