"""What all tests share: one thread, since at these sizes more of them only wait for each other.

And signals reach the processes that tests start. What a script runs in the background ignores
SIGINT, what `nohup` runs SIGHUP, and processes inherit what is ignored, but no handlers.
"""

import signal

import torch

torch.set_num_threads(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
