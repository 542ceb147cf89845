"""Tables of people, organizations and keys."""

from models.accounts import api_keys as api_keys
from models.accounts import organizations as organizations
from models.accounts import users as users
