"""The results of the epochs sent to a server."""

import json
import warnings
from typing import Any

from dlrs.callbacks.callback import Callback, Logs


class RemoteMonitor(Callback):
    """Sends the results of every epoch to `root + path` by HTTP POST, as JSON.

    Needs the package `requests` (`pip install dlrs[remote]`). A server that cannot be reached is warned of, and
    training goes on.

    Args:
        root: address of the server.
        path: path on the server.
        field: the field of the form that holds the JSON, without `send_as_json`.
        headers: headers of the request.
        send_as_json: send the JSON itself (`application/json`) instead of a form.

    Raises:
        ImportError: after an epoch, `requests` is not installed.

    >>> monitor = RemoteMonitor(root="http://localhost:9000", send_as_json=True)
    >>> monitor.path
    '/publish/epoch/end/'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        try:
            import requests
        except ImportError:
            raise ImportError("RemoteMonitor needs the package `requests`: pip install dlrs[remote].") from None
        content = {"epoch": epoch} | {name: _plain(value) for name, value in (logs or {}).items()}
        url = self.root + self.path
        try:
            if self.send_as_json:
                requests.post(url, json=content, headers=self.headers)
            else:
                requests.post(url, {self.field: json.dumps(content)}, headers=self.headers)
        except requests.exceptions.RequestException as error:
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}: {error}", stacklevel=2)


def _plain(value: Any) -> Any:
    """A number of Python for an array or tensor with a single element."""
    return value.item() if hasattr(value, "item") else value
