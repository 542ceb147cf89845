"""Tables of people, organizations and keys."""

from models.accounts import api_keys as api_keys
from models.accounts import invitations as invitations
from models.accounts import limits as limits
from models.accounts import organizations as organizations
from models.accounts import request_log as request_log
from models.accounts import second_factors as second_factors
from models.accounts import users as users
