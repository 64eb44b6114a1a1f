"""One file for each outside thing. Each declares only the calls it uses and turns vendor errors into ours at the door."""
