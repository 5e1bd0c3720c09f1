"""Accepts: takes files in, and answers only when bytes and record are durable."""
