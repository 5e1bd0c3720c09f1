"""Druid by HTTP, ingestions in Postgres, outcomes on S3."""
