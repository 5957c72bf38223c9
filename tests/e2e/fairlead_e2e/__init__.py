"""What the end-to-end tests share: a real sshd, the real daemon, services to expose and a relay that breaks things.

Nothing here asserts on time. Waits have generous deadlines, and what is compared is bytes, order and states.
"""
from .case import TunnelCase
from .daemon import Daemon
from .platform import BUILD, FAIRLEAD, libssh2_is_modern, until
from .ports import free_port
from .relay import Relay
from .services import Service
from .sshd import Sshd

__all__ = ["BUILD", "Daemon", "FAIRLEAD", "Relay", "Service", "Sshd", "TunnelCase", "free_port", "libssh2_is_modern", "until"]
