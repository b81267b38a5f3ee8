"""The programs under test, for the guest: an archive that goes in front of the image's.

They are what the host has built, linked against the host's libraries, and change with each build: so
they are no part of the kept image. Where both archives have a file, the kernel unpacks the later one
last: the guest's C library and loader stay those of the image.
"""

import os

from image import Cpio, Libraries, add_file


def archive(paths):
    """The bytes of a cpio archive with these programs in /usr/bin, and their libraries."""
    cpio, libraries = Cpio(), Libraries("/")
    for path in paths:
        add_file(cpio, path, "usr/bin/" + os.path.basename(path))
        libraries.need(path)
    for soname, path in sorted(libraries.found.items()):
        add_file(cpio, path, "usr/lib/x86_64-linux-gnu/" + soname)
    return cpio.finish()


def add_to(image_path, programs, target):
    """Writes an initramfs with `programs` (bytes) and all that the image has."""
    with open(target, "wb") as out, open(image_path, "rb") as image:
        out.write(programs)
        out.write(image.read())
