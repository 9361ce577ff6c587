"""Methods of models that Keras 2 had for generators."""

from typing import Any

from dlrs.backend.old_spellings import warn_of


class OldMethods:
    """`fit_generator` and its like: `fit`, `evaluate` and `predict` take generators."""

    def fit_generator(
        self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: Any = 1, **kwargs: Any
    ) -> Any:
        """`fit` on an iterable of batches; `max_queue_size`, `workers` and `use_multiprocessing` are left out."""
        warn_of("Model.fit_generator", "model.fit(generator, ...).")
        return self.fit(  # type: ignore[attr-defined]
            generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, **_without_workers(kwargs)
        )

    def evaluate_generator(self, generator: Any, steps: int | None = None, **kwargs: Any) -> Any:
        """`evaluate` on an iterable of batches."""
        warn_of("Model.evaluate_generator", "model.evaluate(generator, ...).")
        return self.evaluate(generator, **{"steps": steps, "verbose": 0} | _without_workers(kwargs))  # type: ignore[attr-defined]

    def predict_generator(self, generator: Any, steps: int | None = None, **kwargs: Any) -> Any:
        """`predict` on an iterable of batches."""
        warn_of("Model.predict_generator", "model.predict(generator, ...).")
        return self.predict(generator, **{"steps": steps, "verbose": 0} | _without_workers(kwargs))  # type: ignore[attr-defined]


def _without_workers(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments without those that are now those of a `PyDataset`."""
    return {k: v for k, v in arguments.items() if k not in ("max_queue_size", "workers", "use_multiprocessing")}
