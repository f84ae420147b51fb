"""A progress bar in the terminal or the notebook."""

from tqdm.auto import tqdm

from topfive.lm.train import Progress


def progress_bar(title: str) -> Progress:
    """A progress bar that is told (step, steps, numbers)."""
    bar = tqdm(desc=title, total=0)

    def update(step: int, steps: int, numbers: dict[str, float]) -> None:
        bar.total = steps
        bar.set_postfix({key: f"{value:.2f}" for key, value in numbers.items()}, refresh=False)
        bar.update(step - bar.n)
        if step == steps:
            bar.close()

    return update
