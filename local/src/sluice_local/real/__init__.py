"""The servers themselves: Kafka, Druid and S3 on Java, PostgreSQL from its wheel or from PATH."""
