"""Floor 3: one file per architecture, nothing but modules and their config, with the names of the hub."""
