"""Disks of scripts/faults queue that can be filled, or torn out: they hold nothing but a store."""
import ctypes
import ctypes.util
import errno
import fcntl
import os
import struct
import subprocess

DETACH = 2                                # MNT_DETACH
SHUTDOWN, NO_FLUSH = 0x8004587D, 2        # FS_IOC_SHUTDOWN; what is not on the disk yet never will be


def done(*command):
    """False: it failed, or is not installed."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Disk:
    """What can be done to any of them. `folder`: where it is mounted."""

    def __init__(self, folder):
        self.folder = folder
        self.library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)

    def fill(self):
        with open(self.folder / "ballast", "ab", buffering=0) as file:
            for size in (1 << 16, 1 << 10, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self):
        (self.folder / "ballast").unlink(missing_ok=True)
        place = os.open(self.folder, os.O_RDONLY)
        os.fsync(place)  # a torn disk that comes back must not be full again
        os.close(place)

    def unmount(self):
        self.library.umount2(str(self.folder).encode(), DETACH)


class SmallDisk(Disk):
    """In memory, for SQLite. Has room for what a run of so many seconds records, and little more."""

    SIZE, EACH_SECOND = 24 << 20, 96 << 10

    @classmethod
    def mount(cls, folder, seconds):
        """None: this user may not."""
        disk, size = cls(folder), int(cls.SIZE + cls.EACH_SECOND * seconds)
        failed = disk.library.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={size},mode=700".encode())
        return None if failed else disk


class TornDisk(Disk):
    """ext4 in a file, for PostgreSQL. It can be torn out: from then on everything fails with EIO, what was not on it is lost, and
    it is put in again as after a power cut."""

    SIZE = 384 << 20

    @classmethod
    def mount(cls, folder):
        """None: this user may not, or there is no loop device, or no mkfs.ext4."""
        image = folder.with_name(folder.name + ".image")
        with open(image, "wb") as file:
            file.truncate(cls.SIZE)
        disk = cls(folder, image)
        # No room is kept for root: whoever fills it may be another user than who meets it full.
        return disk if done("mkfs.ext4", "-q", "-F", "-m", "0", str(image)) and disk.put_in() else None

    def __init__(self, folder, image):
        super().__init__(folder)
        self.image, self.cuts = image, 0

    def put_in(self):
        """Its journal is played back. False: it cannot be."""
        return done("mount", "-o", "loop", str(self.image), str(self.folder))

    def put_in_again(self):
        """As a copy: the torn one stays what it is for as long as anybody, in a mount namespace of his own perhaps, has it."""
        self.unmount()
        torn, self.cuts = self.image, self.cuts + 1
        self.image = torn.with_suffix(f".{self.cuts}")
        copied = done("cp", "--sparse=always", str(torn), str(self.image))
        torn.unlink()
        if not copied or not self.put_in():
            raise AssertionError("the disk cannot be mounted again")

    def tear_out(self):
        place = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(place, SHUTDOWN, struct.pack("=I", NO_FLUSH))
        finally:
            os.close(place)

    def fill(self):
        """At once, as nothing is written."""
        with open(self.folder / "ballast", "ab") as file:
            size, step = file.tell(), 1 << 26
            while step >= 1 << 10:
                try:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step >>= 1
