"""The service killed at every call that it makes, for real: processes, `kill -9`, Azurite, the simulator over HTTPS.

Recorded once: a history is played by one worker that counts its calls. Then it is played again for each of these calls, by a
worker that is killed there and another one that comes after it; both must end as the first did, and the judge of the search
watches every call that reaches the world.

What is shortened, and how: a lease is broken instead of waiting a minute until it runs out; a message comes back at once instead
of after ten minutes; virtual time is advanced to the next look that is due. Each stands for time that goes by, nothing else.
"""
