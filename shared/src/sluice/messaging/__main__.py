"""`python -m sluice.messaging create-topics`: create what is missing."""

import argparse
import asyncio
import sys

from aiokafka.errors import KafkaError

from sluice.messaging.topics import create_topics
from sluice.settings import KafkaSettings, read_settings


class TopicSettings(KafkaSettings):
    kafka_replication_factor: int = 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m sluice.messaging", description="Kafka topics of Sluice")
    parser.add_argument("command", choices=["create-topics"])
    parser.parse_args()
    settings = read_settings(TopicSettings)
    try:
        asyncio.run(create_topics(settings.kafka_bootstrap, settings.kafka_replication_factor))
    except KafkaError as error:
        sys.exit(f"The topics could not be created on {settings.kafka_bootstrap}: {error!r}. Is Kafka up?")
