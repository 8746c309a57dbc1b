"""A worker process: it receives a problem, then tasks, and answers each.

It is started by its own command line rather than by ``multiprocessing``, so that a user's script
needs no ``__main__`` guard and TensorFlow always starts with the same flags.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from multiprocessing.connection import Connection

from backtester.errors import BacktesterError
from backtester.execution.messages import Done, Ready, Refused, Start, Work
from backtester.forecasters import ForecasterCache
from backtester.tasks import TaskRunner

__all__ = ["ENVIRONMENT", "serve"]

# The same bits on every machine of a kind: one thread, no accelerator, one backend, and no settings
# of the user's own (keras.json may change the type of all numbers).
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def serve(connection: Connection) -> None:
    """Answer messages until the driver closes the connection."""
    forecasters, runner = ForecasterCache(), None
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        if isinstance(message, Start):
            try:
                runner = TaskRunner(message.problem, forecasters=forecasters)
                runner.prepare(message.first)
            except BacktesterError as error:
                connection.send(Refused.of(error))
            else:
                connection.send(Ready())
        elif isinstance(message, Work) and runner is not None:
            connection.send(Done(outcome=runner.attempt(message.task, initial=message.initial)))


def _end_with_the_driver(descriptor: int) -> None:
    """Wait until the driver is gone, however it ended, and end: the fit under way has nobody to tell."""
    waiting = select.poll()
    waiting.register(descriptor, 0)  # its end is told all the same, and nothing else
    waiting.poll()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # with what the user's model started
    os._exit(0)


def main() -> None:
    """Entry point of ``python -m backtester.execution.worker FILE_DESCRIPTOR``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides when to stop
    connection = Connection(int(sys.argv[1]))
    # Else a process that the user's model forks would keep the driver waiting when this one has died.
    os.register_at_fork(after_in_child=connection.close)
    threading.Thread(target=_end_with_the_driver, args=[connection.fileno()], daemon=True).start()
    try:
        serve(connection)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the driver is gone: nothing to tell anyone


if __name__ == "__main__":
    main()
