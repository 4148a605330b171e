"""A torch file is looked at from outside before anything opens it; nothing here needs torch."""

from __future__ import annotations

import mmap
import zipfile
from pathlib import Path

from core.checkpoints import CheckpointRefused

TORCH_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_TORCH_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the number that torch's older files begin with, as pickled


def refuse_shape(path: Path) -> None:
    """Refuse what cannot be a torch file before any loader takes it for a pickle, and archives that unpack to more.

    Raises:
        CheckpointRefused: it is none, says the sentence.
    """
    if path.is_dir():
        raise CheckpointRefused(f"{path} is a folder, and a torch file was asked for; name the file in it.")
    if not path.is_file():
        raise CheckpointRefused(f"The file {path} was asked for, but there is no such file; check the path.")
    with path.open("rb") as file:
        head = file.read(32)
    if not head:
        raise CheckpointRefused(f"{path} is empty; fetch it again.")
    if head.startswith(TORCH_ZIP):
        _refuse_archive(path)
    elif head.startswith(_PICKLE) and _TORCH_LEGACY not in head:
        raise CheckpointRefused(
            f"{path} is a bare pickle, which could hold any program, and no file that torch.save wrote; nothing in it "
            "was run: get the weights as safetensors, or as torch.save writes them."
        )
    elif head.startswith(_PICKLE):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            _refuse_room(path, whole)
    else:
        raise CheckpointRefused(
            f"{path} is neither a safetensors file nor one that torch.save wrote; name a checkpoint."
        )


def _refuse_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            size, claimed = path.stat().st_size, sum(entry.file_size for entry in entries)
            if claimed > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise CheckpointRefused(
                    f"{path} is {size} bytes long and unpacks to {claimed}, which torch.save never writes; nothing was "
                    "read: get the file from its author again."
                )
            for entry in entries:
                if entry.filename.endswith(".pkl"):
                    _refuse_room(path, archive.read(entry))
    except (zipfile.BadZipFile, RuntimeError, ValueError, EOFError) as wrong:  # RuntimeError: locked, or packed oddly
        raise CheckpointRefused(f"{path} is not a whole torch file ({wrong}); fetch it again.") from wrong


def _refuse_room(path: Path, pickled: bytes | mmap.mmap) -> None:
    """Refuse a pickle that asks for bytes by their number alone, which torch grants, however many they are."""
    if any(pickled.find(b"c%s\nbytearray\n" % module) >= 0 for module in (b"builtins", b"__builtin__")):
        raise CheckpointRefused(
            f"{path} asks for `bytearray`, which no checkpoint holds; nothing in the file was run: get it from its "
            "author again."
        )
