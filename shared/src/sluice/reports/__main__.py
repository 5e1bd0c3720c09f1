"""`python -m sluice.reports`: write the JSON Schema of the report anew, after its model has changed."""

from sluice.reports.schema import write_schema

if __name__ == "__main__":
    write_schema()
