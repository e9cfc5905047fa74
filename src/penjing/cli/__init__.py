"""The command line: thin doors to what lies below. Nothing heavy is imported before a command needs it."""
