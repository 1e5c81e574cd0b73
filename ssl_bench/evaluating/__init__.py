"""The quality of features: systems, tasks, error rates and costs."""
