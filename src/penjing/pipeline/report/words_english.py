"""The words of the page about word vectors, in English."""

from __future__ import annotations

WORDS_ENGLISH: dict[str, str] = {
    "words_title": "Words of {name}",
    "words_kicker": "Penjing, word vectors",
    "words_lede": "{words} words that occur {fewest} times or more, in {texts} texts; word2vec, {size} numbers a word.",
    "words_near": "Nearest to “{word}” ({count} times)",
    "words_neighbors": "Nearest neighbors",
    "words_word": "word",
    "words_similarity": "cosine",
    "words_times": "times",
    "words_map": "A map of the most frequent words",
    "words_map_note": "Near each other stand words that are used alike (t-SNE); distances over the whole map mean "
    "nothing. Without stop words. Marked are the words asked about and their neighbors; where two would cover each "
    "other, the rarer one is a dot.",
    "rows_counts": "{read} tokens are read, {learned} learned, {cut} cut",
    "rows_answer": "Learned: {answer}",
    "rows_colors": "Green and yellow: learned. Blue: read only. Red and struck out: cut.",
    "rows_marks": "{{+learned+}}, [-cut-]; the rest is read only.",
    "rows_drawn": "Which tokens are learned is drawn anew each time a text is read (objective {objective}).",
}
