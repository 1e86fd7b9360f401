"""How fast this machine trains, translates and prepares, and how far that is from its limit."""
