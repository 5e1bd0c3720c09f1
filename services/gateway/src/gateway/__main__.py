"""`python -m gateway`: serve until told to stop."""

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice.http import serve
from sluice.settings import read_settings
from sluice.telemetry import configure_logging


def main() -> None:
    settings = read_settings(GatewaySettings)
    configure_logging("gateway", settings.log_level)
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
