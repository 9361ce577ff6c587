"""Muon."""

import math
import re
from collections.abc import Sequence
from typing import Any

from dlrs import _dlrs, ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_count, check_number
from dlrs.optimizers.moments import corrected_rate
from dlrs.optimizers.optimizer import Optimizer


class Muon(Optimizer):
    """Momentum whose step is made orthogonal, for matrices; AdamW for other variables (Jordan et al. 2024).

    For matrices `m = momentum·m + g` and `w -= lr·rms_rate·sqrt(max(rows, columns))·O`, where `O` is about `UVᵀ` of
    the singular value decomposition `USVᵀ` of `m`, or with `nesterov` of `g + momentum·m`. The scale of the step is
    that of Liu et al., arXiv 2502.16982. Variables that are not matrices, embeddings and those that `exclude_layers`
    matches, such as the output layer, are updated as by AdamW.

    Args:
        learning_rate: step size, or a schedule.
        adam_beta_1: `beta_1` of AdamW.
        adam_beta_2: `beta_2` of AdamW.
        adam_weight_decay: weight decay of variables updated by AdamW.
        epsilon: `epsilon` of AdamW.
        weight_decay: weight decay of the matrices.
        name, clipnorm, clipvalue, global_clipnorm: as for `Optimizer`.
        use_ema, ema_momentum, ema_overwrite_frequency: as for `Optimizer`.
        loss_scale_factor, gradient_accumulation_steps: as for `Optimizer`.
        exclude_layers: regular expressions; variables in whose path one is found are updated by AdamW.
        exclude_embeddings: whether variables with "embedding" in their path are updated by AdamW.
        muon_a, muon_b, muon_c: coefficients of the iteration that makes the step orthogonal.
        adam_lr_ratio: factor of the learning rate for AdamW.
        momentum: share of the old momentum that is kept.
        ns_steps: number of iterations.
        nesterov: whether to take the step as if the momentum had been moved on.
        rms_rate: factor of the step; None leaves the orthogonal matrix as it is.

    >>> w = Variable([[1.0, 0.0], [0.0, 1.0]])
    >>> Muon(0.5, weight_decay=None).apply([ops.array([[2.0, 0.0], [0.0, 2.0]])], [w])
    >>> bool(0.8 < w.numpy()[0, 0] < 0.9), w.numpy()[0, 1].tolist()
    (True, 0.0)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
    ) -> None:
        check_number("Muon", "adam_beta_1", adam_beta_1, least=0, below=1)
        check_number("Muon", "adam_beta_2", adam_beta_2, least=0, below=1)
        check_number("Muon", "adam_weight_decay", adam_weight_decay, least=0, optional=True)
        check_number("Muon", "epsilon", epsilon, least=0)
        for argument, value in (("muon_a", muon_a), ("muon_b", muon_b), ("muon_c", muon_c)):
            check_number("Muon", argument, value)
        check_number("Muon", "adam_lr_ratio", adam_lr_ratio, least=0)
        check_number("Muon", "momentum", momentum, least=0, most=1)
        check_count("Muon", "ns_steps", ns_steps, 1)
        check_number("Muon", "rms_rate", rms_rate, above=0, optional=True)
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
        )
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _should_use_adamw(self, variable: Variable) -> bool:
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums: list[Any] = []
        # A velocity tells that a variable is updated by AdamW.
        self._adam_velocities: list[Any] = []
        for variable in variables:
            self._momentums += self.add_optimizer_variables([variable], "momentum")
            with_velocity = not variable.overwrite_with_gradient and self._should_use_adamw(variable)
            self._adam_velocities.append(
                self.add_variable_from_reference(variable, "velocity") if with_velocity else None
            )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._adam_velocities[index]
        if velocity is not None:
            self._adamw_update_step(gradient, variable, rate * self.adam_lr_ratio, momentum, velocity)
            return
        m = momentum.value * self.momentum + gradient
        momentum.assign(m)
        step = self.zeropower_via_newtonschulz5(gradient + m * self.momentum if self.nesterov else m, self.ns_steps)
        variable.assign(variable.value - self.lr_adjust(rate * step))

    def _adamw_update_step(
        self, gradient: Any, variable: Variable, rate: Any, momentum: Variable, velocity: Variable
    ) -> None:
        alpha = corrected_rate(rate, self.adam_beta_1, self.adam_beta_2, self.iterations + 1, variable.dtype)
        w, m, v = _dlrs.adam_update(
            variable, momentum, velocity, gradient, alpha, self.adam_beta_1, self.adam_beta_2, self.epsilon
        )
        momentum.assign(m)
        velocity.assign(v)
        variable.assign(w)

    def lr_adjust(self, x: Any) -> Any:
        """The step `x` of a matrix, scaled to the root mean square that a step of Adam has (arXiv 2502.16982).

        >>> Muon(rms_rate=0.5).lr_adjust(ops.ones((4, 1))).tolist()
        [[1.0], [1.0], [1.0], [1.0]]
        """
        return x if self.rms_rate is None else x * (math.sqrt(max(x.shape[0], x.shape[1])) * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """About `UVᵀ` of the singular value decomposition `USVᵀ` of `x`: singular values between 0.7 and 1.2.

        A quintic Newton-Schulz iteration, `x = a·x + b·(xxᵀ)x + c·(xxᵀ)²x`, from `x` over its Frobenius norm.

        >>> Muon().zeropower_via_newtonschulz5(ops.array([[4.0, 0.0], [0.0, 4.0]]), 5).numpy().round(1).tolist()
        [[1.100000023841858, 0.0], [0.0, 1.100000023841858]]
        """
        if len(x.shape) < 2:
            raise ValueError(f"zeropower_via_newtonschulz5: `x` must have at least 2 axes, got shape {tuple(x.shape)}.")
        if x.shape[-2] > x.shape[-1]:
            # The product with the shorter side is the smaller one.
            return _transposed(self.zeropower_via_newtonschulz5(_transposed(x), steps))
        x = x / (ops.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
        for _ in range(steps):
            gram = ops.matmul(x, _transposed(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * gram + self.muon_c * ops.matmul(gram, gram), x)
        return x

    def _weight_decay_of(self, variable: Variable) -> float | None:
        if not self._use_weight_decay(variable):
            return None
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }


def _transposed(x: Any) -> Any:
    return ops.swapaxes(x, -1, -2)
