"""What the commands work with: units of work, the pipeline and its shards, and the steps that records go through."""
