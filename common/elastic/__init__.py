"""Training by several processes: rows of tables in shards, asynchronous workers, commits, publishing."""
