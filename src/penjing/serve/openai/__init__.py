"""The routes that clients of OpenAI speak."""
