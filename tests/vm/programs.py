"""The programs under test, for the guest: an archive in front of the image's archive.

The host built them, linked with the host's libraries. They change with each build, so they are not
part of the kept image. If both archives have a file, the image's one wins, because the kernel unpacks
it last. So the guest keeps the C library and loader of the image.
"""

import os

from image import Cpio, Libraries, add_file


RENAMED = {"setpriv": "as-user"}


def archive(paths, files=()):
    """The bytes of a cpio archive with these programs in /usr/bin, and their libraries. Programs that busybox has as
    well, under the same name, get another one: RENAMED. `files`: (path, place in the guest) of what else goes in."""
    cpio, libraries = Cpio(), Libraries("/")
    for path in paths:
        name = os.path.basename(path)
        add_file(cpio, path, "usr/bin/" + RENAMED.get(name, name))
        libraries.need(path)
    for soname, path in sorted(libraries.found.items()):
        add_file(cpio, path, "usr/lib/x86_64-linux-gnu/" + soname)
    for path, at in files:
        add_file(cpio, path, at)
    return cpio.finish()


def add_to(image_path, programs, target):
    """Writes an initramfs of `programs` (bytes) and the image at `image_path`."""
    with open(target, "wb") as out, open(image_path, "rb") as image:
        out.write(programs)
        out.write(image.read())
