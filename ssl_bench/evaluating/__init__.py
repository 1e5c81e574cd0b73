"""What features are worth: systems, tasks, rates and bills."""
