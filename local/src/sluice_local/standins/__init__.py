"""Servers that take the place of Kafka, S3 and Druid on a machine without Java. They forget everything at the end."""
