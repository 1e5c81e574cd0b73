"""data2vec-audio: a transformer that predicts, where speech is hidden, the layers of its own moving average."""
