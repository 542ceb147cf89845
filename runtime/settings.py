"""The operator's settings: environment variables, read once at a process edge (CONTRACT 35)."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from billing.quotas import Quota, Quotas
from runtime.processes.machine import memory_bytes
from runtime.setting_errors import InvalidSettings, list_refusals, sentence
from services.accounts.sign_up_policy import SignUpPolicy
from services.operations.outbound import Outbound
from services.personal_data.retention import Periods

SHORTEST_SECRET_KEY = 32

FEWEST_CACHED_WORKFLOWS = 2000
MOST_CACHED_WORKFLOWS = 10_000
"""Python looks through all of them when it collects garbage: three quarters of a second."""
CACHED_WORKFLOW_BYTES = 200_000
"""What a workflow in memory holds at the end of its run; at the beginning it is a third."""


def cached_workflows_that_fit() -> int:
    """As many as a sixteenth of the memory holds, but never few, nor more than a pause allows."""
    fitting = memory_bytes() // 16 // CACHED_WORKFLOW_BYTES
    return min(max(FEWEST_CACHED_WORKFLOWS, fitting), MOST_CACHED_WORKFLOWS)


class Settings(BaseSettings):
    """Every setting of a Fluxrate process.

    ``DATABASE_URL``, ``TEMPORAL_ADDRESS`` and ``TEMPORAL_NAMESPACE`` keep their usual names; all
    others begin with ``FLUXRATE_``. An empty one is as one that is not set. Raises InvalidSettings.
    """

    model_config = SettingsConfigDict(
        env_prefix="FLUXRATE_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    migration_database_url: str | None = None
    database_pool_size: int = Field(default=10, ge=1)
    api_statement_seconds: int = Field(default=2, ge=0)
    """The API answers 503 rather than wait longer for a statement or hold a connection longer; 0
    lets it."""
    api_connections: int = Field(default=2000, ge=1)
    """How many connections of clients an API process holds."""
    api_replicas: int = Field(default=1, ge=1)
    """On how many machines or containers the API runs: each allows its part of the rate limits."""
    rate_per_caller: int = Field(default=300_000, ge=0)
    """Requests of one API key or session in a minute; 0 is as many as it likes."""
    rate_per_organization: int = Field(default=600_000, ge=0)
    """Requests of one organization in a minute, by all its keys and sessions; 0 as above."""
    rate_of_events: int = Field(default=6_000_000, ge=0)
    """Events of one organization in a minute; 0 as above."""
    quotas: str = ""
    """How many things of a kind an organization may have, such as ``meters=200, plans=50``."""
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
    temporal_codec_keys: SecretStr = SecretStr("")
    """Keys, separated by commas, for what Temporal keeps: the first seals, all of them open."""
    temporal_tls: bool | None = None
    """Whether Temporal is reached by TLS; by default where one of the next five says so."""
    temporal_tls_ca: FilePath | None = None
    """The certificates that Temporal's is trusted by, as PEM; by default those of the system."""
    temporal_tls_name: str | None = None
    """What Temporal's certificate is made out to, where that is not the host of its address."""
    temporal_tls_certificate: FilePath | None = None
    """The certificate by which we show who we are, as PEM, with its key beside it."""
    temporal_tls_key: FilePath | None = None
    temporal_api_key: SecretStr | None = None
    """What we show who we are by instead, as Temporal Cloud asks for it."""
    temporal_ui_url: str | None = None
    """Where people find the Temporal Web UI; the page at ``/`` links to it."""
    operator_token: SecretStr | None = None
    """What ``/metrics`` and ``/status`` are shown for; without it to everybody."""
    worker_metrics: str | None = None
    """``host:port`` where the worker shows its metrics; without it nowhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lines below it are left out, those of libraries as well."""
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Where traces go, by OTLP over HTTP; without it there are none."""
    trace_share: float = Field(default=1.0, ge=0, le=1)
    """Which share of traces is kept; the same ones in every process."""
    production: bool = False
    """Nothing begins with sample secrets, or with what is for development."""
    task_queue: str = "fluxrate-owners"
    """Where workflows wait for workers. Installations that share a namespace take one each."""
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
    session_seconds: int = Field(default=30 * 24 * 3600, ge=1)
    plain_cookie_names: bool = False
    """Cookies are called as documented over https as well, without ``__Host-``."""
    hsts_subdomains: bool = False
    """Browsers are told that every host below this one speaks https, too."""
    totp_tolerance_steps: int = Field(default=1, ge=0, le=2)
    """For how many half minutes before and after its own a code of an authenticator counts."""
    stream_seconds: int = Field(default=300, ge=1)
    """How long a stream of events lasts; then whoever watches opens another."""
    allow_private_webhooks: bool = False
    """Webhooks and mails may go to private addresses, by http and to every port: for
    development."""
    outbound: Outbound = Outbound.ON
    """Whether mails, webhooks, charges and top-ups leave; off for copies that are looked at."""
    sandbox_gateway_url: str | None = None
    """Where the sandbox gateway is served by itself; else it is in each process."""
    webhook_retention_days: int = Field(default=90, ge=1)
    """How long a webhook delivery that has ended stays listed."""
    gateway_event_retention_days: int = Field(default=90, ge=1)
    """How long what a gateway sent is kept word by word."""
    gateway_record_retention_days: int = Field(default=730, ge=30)
    """How long it is known what gateways told and were asked. They repeat what they tell for days:
    what was forgotten sooner would count again."""
    mail_retention_days: int = Field(default=730, ge=1)
    """How long a mail says where it went."""
    session_retention_days: int = Field(default=30, ge=1)
    """How long a session that has ended is known, with where it was."""
    invitation_retention_days: int = Field(default=90, ge=1)
    """How long an invitation that has ended says who was invited."""
    former_member_retention_days: int = Field(default=365, ge=1)
    """How long the address of somebody who left is kept. What they did stays, under their id."""
    document_retention_years: int = Field(default=10, ge=1, le=100)
    """How long the law wants issued documents kept, in whole years after that of the last."""
    workflow_sandbox: bool = False
    """Run workflows in the sandbox: nearly doubles the worker's CPU; tests always do."""
    worker_activity_slots: int = Field(default=20, ge=1)
    worker_workflow_task_slots: int = Field(default=72, ge=1)
    worker_cached_workflows: int = Field(default_factory=cached_workflows_that_fit, ge=0)
    """Workflows kept in memory between their tasks; others are read from their history again."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing leaves this installation."""
        return self.outbound is Outbound.OFF

    @property
    def shown_operator_token(self) -> str | None:
        """The operator's token in plain text."""
        return None if self.operator_token is None else self.operator_token.get_secret_value()

    @property
    def retention_periods(self) -> Periods:
        """How long what is held stays by itself."""
        return Periods(
            webhook_deliveries=self.webhook_retention_days,
            gateway_event_bodies=self.gateway_event_retention_days,
            gateway_records=self.gateway_record_retention_days,
            mail_addresses=self.mail_retention_days,
            sessions=self.session_retention_days,
            invitations=self.invitation_retention_days,
            former_members=self.former_member_retention_days,
        )

    @property
    def former_secret_keys(self) -> list[str]:
        """The earlier keys, one by one."""
        return _listed(self.previous_secret_keys)

    @property
    def shown_codec_keys(self) -> list[str]:
        """The keys of what Temporal keeps, one by one."""
        return _listed(self.temporal_codec_keys)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  (whatever the fields take)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidSettings([_sentence(one) for one in error.errors()]) from None
        if (self.temporal_tls_certificate is None) is not (self.temporal_tls_key is None):
            raise InvalidSettings(
                ["FLUXRATE_TEMPORAL_TLS_CERTIFICATE and FLUXRATE_TEMPORAL_TLS_KEY go together."]
            )
        if self.production and (refused := list_refusals(self)):
            raise InvalidSettings(refused)

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _is_database(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("an address that begins with postgresql://")
        return url

    @field_validator("temporal_address", "worker_metrics")
    @classmethod
    def _is_host_and_port(cls, address: str | None) -> str | None:
        host, _, port = (address or "host:1").rpartition(":")
        if not host or "/" in host or not port.isdecimal():
            raise ValueError("host:port")
        return address

    @field_validator("public_url", "sandbox_gateway_url", "temporal_ui_url", "otlp_endpoint")
    @classmethod
    def _is_web_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_address = is_address and parts.port != 0
        except ValueError:  # a port that is no number
            is_address = False
        if not is_address:
            raise ValueError("an address that begins with http:// or https://")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        for one in filter(None, map(str.strip, networks.split(","))):
            try:
                one == "*" or ip_network(one)
            except ValueError:
                raise ValueError("addresses and networks, separated by commas") from None
        return networks

    @field_validator("quotas")
    @classmethod
    def _are_quotas(cls, text: str) -> str:
        try:
            Quotas.read(text)
        except ValueError:
            raise ValueError(f"numbers for some of {', '.join(Quota)}, as in plans=50") from None
        return text

    @field_validator("secret_key", "operator_token")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        _require_long(secret.get_secret_value() if secret else "")
        return secret

    @field_validator("previous_secret_keys", "temporal_codec_keys")
    @classmethod
    def _are_long(cls, secrets: SecretStr) -> SecretStr:
        for secret in secrets.get_secret_value().split(","):
            _require_long(secret.strip())
        return secrets


def _listed(secrets: SecretStr) -> list[str]:
    return [one.strip() for one in secrets.get_secret_value().split(",") if one.strip()]


def _require_long(secret: str) -> None:
    if 0 < len(secret) < SHORTEST_SECRET_KEY:
        raise ValueError(
            f"at least {SHORTEST_SECRET_KEY} characters long, for example from"
            " `openssl rand -hex 32`"
        )


def _sentence(error: ErrorDetails) -> str:
    place = str(error["loc"][0])
    field = Settings.model_fields.get(place)
    if field is None or field.validation_alias:
        return sentence(place, error, ())
    return sentence(f"FLUXRATE_{place.upper()}", error, field.metadata)
