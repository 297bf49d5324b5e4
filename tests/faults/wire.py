"""A stretch of network before a service, to be cut, silenced and closed. The service itself goes on."""

import contextlib
import socket
import threading

from tests.sandbox_process import free_port


class Wire:
    """Leads from `port` to a port of this machine."""

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self._to_port = to_port
        self._flows = threading.Event()
        self._ends: list[socket.socket] = []
        self._door: socket.socket | None = None
        self.mend()

    def silence(self) -> None:
        """Everybody is let in, and nothing that they say arrives."""
        self._flows.clear()

    def cut(self) -> None:
        """End every connection, and lose what was on its way."""
        for end in self._ends:
            _end(end)
        self._ends = []

    def close(self) -> None:
        """Refuse everybody."""
        if self._door is not None:
            _end(self._door)
            self._door = None
        self.cut()

    def mend(self) -> None:
        """Let it be a wire again: what was silenced and not cut arrives now."""
        self._flows.set()
        if self._door is None:
            self._door = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._let_in, args=(self._door,), daemon=True).start()

    def _let_in(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the door was closed
            while True:
                near, _address = door.accept()
                threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        self._ends.append(near)
        self._flows.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._to_port))
        except OSError:
            _end(near)
            return
        self._ends.append(far)
        threading.Thread(target=self._carry, args=(far, near), daemon=True).start()
        self._carry(near, far)

    def _carry(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                to.sendall(data)
        _end(source)
        _end(to)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for it
    end.close()
