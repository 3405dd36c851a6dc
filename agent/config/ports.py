"""TCP ports of this machine."""

from __future__ import annotations


def holder(port: int) -> str:
    """Name of the process that listens on a TCP port, as far as the system says."""
    import psutil

    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr[1:2] == (port,) and connection.pid is not None:
                return f"pid {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return "another process"
