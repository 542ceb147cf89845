"""The operator's settings: environment variables, read once at a process edge (CONTRACT 35)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.sign_up_policy import SignUpPolicy


class Settings(BaseSettings):
    """Every setting of a Fluxrate process.

    ``DATABASE_URL``, ``TEMPORAL_ADDRESS`` and ``TEMPORAL_NAMESPACE`` keep their usual names; all
    others begin with ``FLUXRATE_``.
    """

    model_config = SettingsConfigDict(env_prefix="FLUXRATE_", env_file=".env", extra="ignore")

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    migration_database_url: str | None = None
    database_pool_size: int = Field(default=10, ge=1)
    api_statement_seconds: int = Field(default=2, ge=0)
    """The API answers 503 rather than wait longer for a statement or hold a connection longer; 0
    lets it."""
    signup: SignUpPolicy | None = None
    """Who may make an organization; by default everybody where ``fluxrate up`` runs the API, else
    the first only."""
    auth_per_minute: int = Field(default=0, ge=0)
    """Raises how many sign-ups (100) and failed logins (30) an address has in a minute."""
    trusted_proxies: str = ""
    """Addresses and networks, separated by commas, that X-Forwarded-For and -Proto are believed
    from."""
    temporal_address: str | None = Field(default=None, validation_alias="TEMPORAL_ADDRESS")
    temporal_namespace: str = Field(default="default", validation_alias="TEMPORAL_NAMESPACE")
    task_queue: str = "fluxrate-owners"
    """Where owners wait for workers. Installations that share a namespace each take their own."""
    max_backdate_days: int = Field(default=1830, ge=0, le=36_500)
    """How long before now a subscription may start (CONTRACT 87)."""
    data_dir: Path = Path(".data")
    public_url: str = "http://127.0.0.1:8000"
    secret_key: SecretStr | None = None
    """Signs access tokens. Embedded runs make one and keep it in the data directory."""
    previous_secret_keys: SecretStr = SecretStr("")
    """Earlier keys, separated by commas: what they signed still holds."""
    access_token_seconds: int = Field(default=15 * 60, ge=1)
    refresh_token_seconds: int = Field(default=7 * 24 * 3600, ge=1)
    workflow_sandbox: bool = False
    """Run workflows in the sandbox: nearly doubles the worker's CPU; tests always do."""
    worker_activity_slots: int = Field(default=20, ge=1)
    worker_workflow_task_slots: int = Field(default=36, ge=1)
    worker_cached_workflows: int = Field(default=150, ge=0)
    """Owners kept in memory between their tasks; the others are read from their history again."""
