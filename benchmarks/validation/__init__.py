"""Files judged: CPU and memory against other tools on the same file, in the same run."""
