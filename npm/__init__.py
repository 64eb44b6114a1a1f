"""Programs that come from npm: as a lock file pins them, in a cache outside the tree, run by Node.js."""
