"""`sluice` and `python -m sluice_client`."""

from sluice_client.app import app


def main() -> None:
    app(prog_name="sluice")


if __name__ == "__main__":
    main()
