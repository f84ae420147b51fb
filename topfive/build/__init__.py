"""Makes every derived file: text, checkpoints, notebooks. Each is reproducible from a seed by one command."""
