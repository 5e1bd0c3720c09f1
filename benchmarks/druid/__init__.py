"""Rows into Druid: what the whole chain takes beside one who posts the same spec by hand, and what it asks of Druid meanwhile."""
