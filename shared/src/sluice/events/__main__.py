"""`python -m sluice.events`: write the JSON Schemas and the AsyncAPI document anew, after an event has changed."""

from sluice.events.schema import write_all

if __name__ == "__main__":
    write_all()
