# The API, the worker and the operator's commands in one image; the command line chooses.
FROM python:3.11-slim-bookworm AS build
ENV UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/fluxrate
RUN pip install --no-cache-dir "uv>=0.13,<0.14"
WORKDIR /build
# Dependencies change seldom: they are a layer of their own. `backup` brings PostgreSQL's pg_dump.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --extra backup --extra einvoice --extra otel --no-install-project
COPY . .
RUN uv sync --locked --no-default-groups --extra backup --extra einvoice --extra otel --no-editable

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home fluxrate
COPY --from=build /opt/fluxrate /opt/fluxrate
ENV PATH="/opt/fluxrate/bin:$PATH" \
    PYTHONUNBUFFERED=1
WORKDIR /opt/fluxrate
USER 10001
EXPOSE 8000
ENTRYPOINT ["fluxrate"]
CMD ["api", "--host", "0.0.0.0", "--port", "8000"]
