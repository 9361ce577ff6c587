"""Fetching files and unpacking archives, hostile ones among them."""

import hashlib
import http.server
import io
import os
import stat
import tarfile
import threading
import zipfile

import pytest

from dlrs import utils
from dlrs.errors import FormatError
from dlrs.utils.file_utils import extract_archive, hash_file


def tar(path, members):
    """A tar archive of `(TarInfo attributes, content)`."""
    with tarfile.open(path, "w:gz") as archive:
        for attributes, content in members:
            info = tarfile.TarInfo()
            info.size = len(content)
            for name, value in attributes.items():
                setattr(info, name, value)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path, members):
    """A ZIP archive of `(name, mode, content)`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


GOOD = {"name": "good.txt"}
HOSTILE_TARS = {
    "parent": ({"name": "../out.txt"}, "K1"),
    "deep parent": ({"name": "a/b/../../../out.txt"}, "K1"),
    "inner parent": ({"name": "a/../out.txt"}, "K1"),
    "absolute": ({"name": "/out.txt"}, "K1"),
    "soft link out": ({"name": "link", "type": tarfile.SYMTYPE, "linkname": "/"}, "K2"),
    "soft link in": ({"name": "link", "type": tarfile.SYMTYPE, "linkname": "good.txt"}, "K2"),
    "hard link": ({"name": "link", "type": tarfile.LNKTYPE, "linkname": "../out.txt"}, "K2"),
    "pipe": ({"name": "pipe", "type": tarfile.FIFOTYPE}, "K2"),
    "device": ({"name": "device", "type": tarfile.CHRTYPE}, "K2"),
}
HOSTILE_ZIPS = {
    "parent": ("../out.txt", 0, "K1"),
    "backslashes": ("a\\..\\..\\out.txt", 0, "K1"),
    "absolute": ("/out.txt", 0, "K1"),
    "soft link": ("link", stat.S_IFLNK | 0o777, "K2"),
    "device": ("device", stat.S_IFCHR | 0o600, "K2"),
}


@pytest.mark.parametrize(("member", "rule"), HOSTILE_TARS.values(), ids=HOSTILE_TARS)
def test_hostile_tar_archives(tmp_path, member, rule):
    file = tar(tmp_path / "a.tar.gz", [(GOOD, b"good"), (member, b"")])
    with pytest.raises(FormatError, match=f"rule {rule}"):
        extract_archive(file, tmp_path / "to" / "there")
    assert {path.name for path in tmp_path.rglob("*")} <= {"a.tar.gz", "to"}


@pytest.mark.parametrize(("name", "mode", "rule"), HOSTILE_ZIPS.values(), ids=HOSTILE_ZIPS)
def test_hostile_zip_archives(tmp_path, name, mode, rule):
    file = zipped(tmp_path / "a.zip", [("good.txt", 0, b"good"), (name, mode, b"/")])
    with pytest.raises(FormatError, match=f"rule {rule}"):
        extract_archive(file, tmp_path / "to" / "there")
    assert {path.name for path in tmp_path.rglob("*")} <= {"a.zip", "to"}


def test_damaged_archives_leave_nothing(tmp_path):
    whole = zipped(tmp_path / "a.zip", [("a.txt", 0, b"text" * 100)]).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole.replace(b"texttext", b"textTEXT", 1))
    with pytest.raises(zipfile.BadZipFile):
        extract_archive(tmp_path / "a.zip", tmp_path / "there")
    assert os.listdir(tmp_path) == ["a.zip"]


def test_members_do_not_follow_links_of_the_target(tmp_path):
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / "link").symlink_to(outside)
    file = zipped(tmp_path / "a.zip", [("link/a.txt", 0, b"text")])
    with pytest.raises(FormatError, match="rule K1"):
        extract_archive(file, target)
    assert os.listdir(outside) == []


def test_unpacking_into_a_folder_that_is_there(tmp_path):
    target = tmp_path / "target"
    (target / "kept").mkdir(parents=True)
    (target / "kept" / "mine.txt").write_text("mine")
    (target / "old.txt").write_text("old")
    file = tar(tmp_path / "a.tar", [({"name": "kept/new.txt"}, b"new"), ({"name": "old.txt"}, b"newer")])
    assert extract_archive(file, target)
    assert sorted(path.name for path in target.rglob("*.txt")) == ["mine.txt", "new.txt", "old.txt"]
    assert (target / "old.txt").read_text() == "newer"
    assert not extract_archive(target / "old.txt", target)
    with pytest.raises(ValueError, match="archive_format"):
        extract_archive(file, target, "rar")


@pytest.fixture
def server(tmp_path):
    """A server of `pages`, which counts requests and sends half of what it announces for `/half`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            content = self.server.pages.get(self.path)
            self.send_response(200 if content else 404)
            length = len(content or b"") * (2 if self.path == "/half" else 1)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pages, server.requests = {"/data.txt": b"content", "/half": b"half"}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_get_file_fetches_once(server, tmp_path, capsys):
    digest = hashlib.sha256(b"content").hexdigest()
    url = f"{server.url}/data.txt?version=1"
    server.pages["/data.txt?version=1"] = b"content"
    paths = [utils.get_file(origin=url, file_hash=digest.upper(), cache_dir=tmp_path) for _ in range(2)]
    assert paths == [str(tmp_path / "datasets" / "data.txt")] * 2
    assert len(server.requests) == 1
    assert "7/7" in capsys.readouterr().out


def test_get_file_of_another_content_leaves_the_cache(server, tmp_path):
    path = utils.get_file("a.txt", f"{server.url}/data.txt", cache_dir=tmp_path)
    for arguments in ({"file_hash": "0" * 64}, {"md5_hash": "0" * 32}):
        with pytest.raises(ValueError, match="Incomplete or corrupted"):
            utils.get_file("a.txt", f"{server.url}/data.txt", cache_dir=tmp_path, **arguments)
    with pytest.raises(OSError, match="cut off"):
        utils.get_file("a.txt", f"{server.url}/half", cache_dir=tmp_path, force_download=True)
    with pytest.raises(OSError, match="404"):
        utils.get_file("a.txt", f"{server.url}/none", cache_dir=tmp_path, force_download=True)
    assert hash_file(path) == hashlib.sha256(b"content").hexdigest()
    assert os.listdir(tmp_path / "datasets") == ["a.txt"]


@pytest.mark.parametrize("fname", ["../a.txt", "/a.txt", "..", "a\\b", "a\0b"])
def test_get_file_refuses_names_with_folders(fname, tmp_path):
    with pytest.raises(ValueError, match="fname"):
        utils.get_file(fname, "file:///a.txt", cache_dir=tmp_path)


def test_get_file_arguments(tmp_path):
    with pytest.raises(ValueError, match="origin"):
        utils.get_file("a.txt")
    with pytest.raises(ValueError, match="file name"):
        utils.get_file(origin="https://example.org/", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="hash_algorithm"):
        utils.get_file(origin="file:///a.txt", hash_algorithm="crc", cache_dir=tmp_path)


def test_get_file_uses_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "a.txt"
    source.write_text("a")
    assert utils.get_file(origin=source.as_uri()) == str(tmp_path / "cache" / "dlrs" / "datasets" / "a.txt")


def test_archives_larger_than_the_disk(tmp_path, monkeypatch):
    file = zipped(tmp_path / "a.zip", [("a.txt", 0, b"0" * 1000)])
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 999}))
    with pytest.raises(FormatError, match="rule K4"):
        extract_archive(file, tmp_path / "there")
    assert os.listdir(tmp_path) == ["a.zip"]
