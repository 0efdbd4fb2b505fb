"""A music service that runs here: real answers, real sound, no key and no network."""
