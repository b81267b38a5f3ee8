"""A machine of umockdev: a sysfs tree that a test changes, and uevents that it sends."""

import ctypes
import glob
import os
import shutil
import socket
import tarfile

# The kernel's order of the uevents of one drive or expander, by subsystem (Linux 6.1).
_ADDED = (
    "pci scsi_host sas_host sas_phy sas_port sas_device sas_end_device sas_expander bsg "
    "scsi scsi_disk block scsi_device scsi_generic enclosure"
).split()
_REMOVED = (
    "bsg scsi_generic scsi_device scsi_disk block enclosure scsi "
    "sas_device sas_end_device sas_expander sas_port sas_phy sas_host scsi_host pci"
).split()


class Testbed:
    """Needs libumockdev-preload.so in its process. Children with the environment `env` see it.

    Paths are those of uevents: "/devices/...", without "/sys".
    """

    def __init__(self, recording):
        self.library = ctypes.CDLL("libumockdev.so.0")
        self.library.umockdev_testbed_new.restype = ctypes.c_void_p
        self.library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
        self.library.umockdev_testbed_get_root_dir.argtypes = [ctypes.c_void_p]
        self.library.g_object_unref.argtypes = [ctypes.c_void_p]
        self.testbed = self.library.umockdev_testbed_new()
        self.root = self.library.umockdev_testbed_get_root_dir(self.testbed).decode()
        self.env = dict(os.environ, UMOCKDEV_DIR=self.root)
        self.sequence = 1_000_000
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with tarfile.open(recording) as tar:
            tar.extractall(self.root)
        os.makedirs(self.root + "/away")

    def close(self):
        self.socket.close()
        self.library.g_object_unref(self.testbed)

    def path(self, devpath):
        return self.root + "/sys" + devpath

    def find(self, name):
        """The devpath of the device of that name, not that of a class device beneath it."""
        found = (
            os.path.join(folder, name)
            for folder, folders, _ in os.walk(self.path("/devices"))
            if name in folders
        )
        return min(found, key=len)[len(self.root + "/sys") :]

    def add_host(self, name, address):
        """Adds a host with nothing behind it. Returns the devpath of its scsi_host."""
        host = "/devices/pci0000:00/0000:00:1f.0/" + name
        for kind in ("sas_host", "scsi_host"):
            os.makedirs(self.path(f"{host}/{kind}/{name}"))
        self.write(f"{host}/scsi_host/{name}", "host_sas_address", address)
        os.symlink(f"../..{host}/sas_host/{name}", self.path("/class/sas_host/" + name))
        return f"{host}/scsi_host/{name}"

    def devices(self, devpath):
        """(devpath, subsystem) of all present devices with uevents at and beneath a devpath."""
        all_devices = []
        for folder, _, _ in os.walk(self.path(devpath)):
            if os.path.lexists(folder + "/subsystem"):
                subsystem = os.path.basename(os.readlink(folder + "/subsystem"))
                all_devices.append((folder[len(self.root + "/sys") :], subsystem))
        return all_devices

    # ------------------------------------------------------------------------------ uevents

    def uevent(self, action, devpath, subsystem):
        """Sends a uevent in the kernel's format to all netlink sockets. Waits while they are full.

        umockdev's own sender gives up once ten are queued, and cannot send uevents of removed
        devices.
        """
        self.sequence += 1
        message = (
            f"{action}@{devpath}\0ACTION={action}\0DEVPATH={devpath}\0"
            f"SUBSYSTEM={subsystem}\0SEQNUM={self.sequence}\0"
        )
        for receiver in glob.glob(self.root + "/event[0-9]*"):
            self.socket.sendto(message.encode(), receiver)

    def send(self, action, devices):
        """Sends a uevent of each of `devices` (see devices()), in the given order."""
        for devpath, subsystem in devices:
            self.uevent(action, devpath, subsystem)

    @staticmethod
    def in_order_of_add(devices):
        return sorted(devices, key=lambda d: (_ADDED.index(d[1]), len(d[0]), d))

    @staticmethod
    def in_order_of_remove(devices):
        return sorted(devices, key=lambda d: (_REMOVED.index(d[1]), -len(d[0]), d))

    # ------------------------------------------------------------------------------ the tree

    def take(self, devpath):
        """Takes a folder and the links to it out of the tree. put() takes the result."""
        os.rename(self.path(devpath), self.root + "/away/" + os.path.basename(devpath))
        links = [path for path in glob.glob(self.path("/class/*/*")) if not os.path.exists(path)]
        targets = [os.readlink(path) for path in links]
        for path in links:
            os.unlink(path)
        return devpath, list(zip(links, targets))

    def put(self, taken):
        """Puts the folder back in one step, and then its links."""
        devpath, links = taken
        os.rename(self.root + "/away/" + os.path.basename(devpath), self.path(devpath))
        for path, target in links:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)

    def write(self, devpath, attribute, text):
        with open(self.path(devpath) + "/" + attribute, "w", encoding="ascii") as file:
            file.write(text + "\n")

    def remove_empty_classes(self):
        for path in glob.glob(self.path("/class/sas_*")):
            if not os.listdir(path):
                shutil.rmtree(path)
