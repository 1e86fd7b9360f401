"""What all tests share: one thread, since at these sizes more of them only wait for each other.

And Ctrl-C ends a process: what a script runs in the background ignores it, and so would all that
the tests start, some of which are sent it.
"""

import signal

import torch

torch.set_num_threads(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
