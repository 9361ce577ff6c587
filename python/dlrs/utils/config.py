"""Named values of an experiment."""

import difflib
import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any


class Config:
    """A dict of named values that are also attributes, and that can be frozen.

    Args:
        **kwargs: the first values.

    Raises:
        AttributeError: an attribute that was never set; a similar name is offered.
        ValueError: a change after `freeze()`.

    >>> config = Config(learning_rate=0.1)
    >>> config.seed = 7
    >>> config["seed"], config.learning_rate, len(config)
    (7, 0.1, 2)
    >>> config.freeze()
    >>> config.to_json()
    '{"learning_rate": 0.1, "seed": 7}'
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse changes from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allow changes again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """The values as a new dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """The values as JSON text."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """The names, as of a dict."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """The values, as of a dict."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Names and values, as of a dict."""
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of this name, or `value`."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Remove a name and return its value, as of a dict."""
        self._check_not_frozen()
        return self._config.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values, as of a dict."""
        self._check_not_frozen()
        self._config.update(*args, **kwargs)

    def _check_not_frozen(self) -> None:
        if self._frozen:
            raise ValueError("Cannot mutate attribute(s) because the config is frozen.")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(f"Config: {name!r} is a method; use `config[{name!r}] = ...`.")
        self[name] = value

    def __getattr__(self, name: str) -> Any:
        # Reached for what is no ordinary attribute; copying and unpickling ask before there is a dict.
        values = self.__dict__.get("_config", {})
        if name in values:
            return values[name]
        near = difflib.get_close_matches(name, values, n=1, cutoff=0.7)
        raise AttributeError(f"Unknown attribute: {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")

    def __setitem__(self, key: str, item: Any) -> None:
        self._check_not_frozen()
        self._config[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        self._check_not_frozen()
        del self._config[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
