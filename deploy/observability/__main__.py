"""Writes the dashboards' files again."""

from deploy.observability.boards import DASHBOARDS
from deploy.observability.panels import write_all

write_all(DASHBOARDS)
