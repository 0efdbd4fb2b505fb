"""What is sent: requests of both services, checked before anything leaves the machine."""
