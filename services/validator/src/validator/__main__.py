"""`python -m validator`: serve until told to stop."""

from sluice.http import serve
from sluice.settings import read_settings
from sluice.telemetry import configure_logging
from validator.app import create_app
from validator.settings import ValidatorSettings


def main() -> None:
    settings = read_settings(ValidatorSettings)
    configure_logging("validator", settings.log_level)
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
