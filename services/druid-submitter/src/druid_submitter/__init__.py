"""Concludes: brings accepted rows into Druid, proves by a query that they are there, or that none is."""
