"""data2vec-audio: a transformer that predicts its own moving average's layers where speech is hidden from it."""
