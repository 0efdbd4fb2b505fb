"""The Phaseo gateway's surface: who may pass, what is answered, and what a GET gives later."""
