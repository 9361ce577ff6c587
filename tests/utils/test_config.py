"""Configurations of experiments, and messages."""

import copy
import logging
import pickle

import pytest

from dlrs import utils
from dlrs.utils import io_utils


def test_config_is_a_dict_with_attributes():
    config = utils.Config(rate=0.1)
    config.seed = 1
    config["name"] = "run"
    config.update(steps=3)
    assert (config.rate, config["seed"], config.get("none", 5)) == (0.1, 1, 5)
    assert list(config) == ["name", "rate", "seed", "steps"]
    assert list(config.keys()) == ["rate", "seed", "name", "steps"]
    assert config.pop("steps") == 3
    del config["name"]
    assert config.as_dict() == {"rate": 0.1, "seed": 1}
    assert "seed" in config
    assert len(config) == 2


def test_config_of_other_names():
    config = utils.Config(learning_rate=0.1)
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        _ = config.learning_rat
    with pytest.raises(AttributeError, match="method"):
        config.items = 3


def test_frozen_config():
    config = utils.Config(rate=0.1)
    config.freeze()
    assert config.frozen
    for change in (
        lambda: setattr(config, "rate", 1),
        lambda: config.update(rate=1),
        lambda: config.pop("rate"),
        lambda: config.__delitem__("rate"),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    config.rate = 0.2
    assert copy.deepcopy(config).rate == pickle.loads(pickle.dumps(config)).rate == 0.2


def test_messages_are_printed_or_logged(capsys, caplog):
    io_utils.print_msg("printed")
    utils.disable_interactive_logging()
    try:
        assert not utils.is_interactive_logging_enabled()
        with caplog.at_level(logging.INFO, "dlrs"):
            io_utils.print_msg("logged")
    finally:
        utils.enable_interactive_logging()
    assert capsys.readouterr().out == "printed\n"
    assert caplog.messages == ["logged"]
    with pytest.raises(ValueError, match="WARNING"):
        io_utils.set_logging_verbosity("WARN")
