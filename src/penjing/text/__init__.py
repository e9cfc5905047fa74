"""Text becomes token ids: words, tokenizers, the renderer, token shards, word vectors."""
