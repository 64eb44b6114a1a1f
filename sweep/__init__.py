"""The service killed at every call that it makes, for real: processes, `kill -9`, Azurite, the simulator over HTTPS.

Recorded once: a history is played by a worker that lives. Its calls are dealt out to some playings, and in these a worker dies at
each of them, alone or one after the other in the same pass. Each playing must end as the first did, and the judge of the search
watches every call that reaches the world.

What is shortened, and how: a lease is broken instead of waiting a minute until it runs out; a message comes back at once instead
of after ten minutes; virtual time is advanced to the next look that is due. Each stands for time that goes by, nothing else.
"""
