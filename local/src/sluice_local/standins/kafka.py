"""librdkafka's mock broker as a server: `python -m sluice_local.standins.kafka TOPIC…`.

One line on stdout says where it answers: `{"bootstrap": "127.0.0.1:…"}`. It has no CreateTopics, so the topics named
are made here; others appear on first use. Every topic has four partitions, the newest 5 MiB of each are kept, and a
group can have only one member. The port is its own choice.
"""

import json
import signal
import sys
from collections.abc import Sequence

from confluent_kafka import Producer

_ANSWER_SECONDS = 10
_ERRORS_ONLY = 3


def start_broker(topics: Sequence[str]) -> tuple[Producer, str]:
    """Start a broker that lives as long as the producer returned; its bootstrap address is `host:port`."""
    # Mock brokers replace these servers, which the client still insists on being told.
    owner = Producer({"bootstrap.servers": "none:1", "test.mock.num.brokers": 1, "log_level": _ERRORS_ONLY})
    for topic in topics:
        owner.list_topics(topic, timeout=_ANSWER_SECONDS)  # asking for a topic makes it
    brokers = owner.list_topics(timeout=_ANSWER_SECONDS).brokers.values()
    return owner, ",".join(f"{broker.host}:{broker.port}" for broker in brokers)


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    owner, bootstrap = start_broker(sys.argv[1:])
    print(json.dumps({"bootstrap": bootstrap}), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    del owner


if __name__ == "__main__":
    main()
