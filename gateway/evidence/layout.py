"""How a ZIP archive is laid out: one member behind the other, the directory, and nothing else.

A reader may go by the directory at the end, as ``zipfile`` does, or by the headers before each
member, as readers of streams do, and may heed comments and extra fields or not. Where there is
nothing that one of them sees and another does not, they all read the same files.
"""

import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from zipfile import ZIP_STORED, ZipInfo

_LOCAL = struct.Struct("<4s5H3L2H")  # APPNOTE.TXT 4.3.7, a local file header
_CENTRAL_BYTES = 46  # 4.3.12, a central directory header without its variable parts
_DOS_FOLDER = 0x10
_END = struct.Struct("<4s4H2LH")  # 4.3.16, the end of central directory record


def odd_members(members: Sequence[ZipInfo]) -> Iterator[tuple[str, str]]:
    """Members that carry what no bundle has, with what that is."""
    for member in members:
        if member.extra or member.comment:
            yield member.filename, "it carries a comment or an extra field, and no file does"
        elif not _is_regular(member):
            yield member.filename, "it is no regular file of this archive"


def _is_regular(member: ZipInfo) -> bool:
    """True for a file by its mode in Unix and by its attributes in DOS, in the only volume."""
    is_file = stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG)
    return is_file and not member.external_attr & _DOS_FOLDER and member.volume == 0


def is_seamless(content: bytes, members: Sequence[ZipInfo]) -> bool:
    """True where ``content`` is these members, as their own headers tell them too, and their
    directory, without a byte before, between or behind them."""
    at = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        name = member.orig_filename.encode()
        if member.header_offset != at or not _is_told_alike(content, at, member, len(name)):
            return False
        at += _LOCAL.size + len(name) + member.compress_size
    names = sum(len(member.orig_filename.encode()) for member in members)
    size, count = _CENTRAL_BYTES * len(members) + names, len(members)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, size, at, 0)
    return len(content) == at + size + len(end) and content.endswith(end)


def is_filled(content: bytes, member: ZipInfo) -> bool:
    """True where a member of a seamless archive is packed into just the bytes that its header
    names: whoever unpacks it stops where its content ends, and would see none behind that."""
    begin = member.header_offset + _LOCAL.size + len(member.orig_filename.encode())
    packed = content[begin : begin + member.compress_size]
    if member.compress_type == ZIP_STORED:
        return len(packed) == member.file_size
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    size = len(stream.decompress(packed, member.file_size + 1))
    return size == member.file_size and stream.eof and not stream.unused_data


def _is_told_alike(content: bytes, at: int, member: ZipInfo, name_bytes: int) -> bool:
    """True where the header at ``at`` says of a member what the directory says."""
    if len(content) < at + _LOCAL.size:
        return False
    _, _, flags, method, _, _, *sizes = _LOCAL.unpack_from(content, at)
    told = (flags, method, *sizes)
    listed = (member.CRC, member.compress_size, member.file_size, name_bytes, 0)
    return told == (member.flag_bits, member.compress_type, *listed)
